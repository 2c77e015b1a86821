"""The ciphertext of a released deposit: the bytes of an age file's payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements.exchange import AccessRequest
from exchange.domain.refusals import RefusalReason
from exchange.usecases.access import refusal_of
from exchange.usecases.errors import NotFoundError, RefusedError
from exchange.usecases.foresight import foresee_decisions
from exchange.usecases.ports import ReleaseRecord, UnitOfWork
from exchange.usecases.rates import pass_one, release_refusals
from exchange.usecases.record import present, publish, record_event
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller


@dataclass(frozen=True)
class Payload:
    """An object that may be streamed; ``length`` in bytes."""

    service: Service
    name: str
    length: int

    def read(self, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Stream a range in constant memory."""
        return self.service.objects.read(self.name, first, length)


def read_payload(service: Service, caller: Caller, deposit: str) -> Payload:
    """The payload of a deposit released to this login's certificate.

    One ``payload.read`` event covers all ranges of a release, and is published before a byte
    leaves. Decided again at each call: a recusal, withdrawal or closing since the release ends it.
    """
    now = present(service)
    with service.transactions() as work:
        require_caller(service, work, caller, now)
        record = _released(work, caller, deposit)
        reason = _refusal_now(work, record, now)
        if reason is not None:
            _log_refusal(service, work, record, reason, now)
            work.commit()
            raise RefusedError(reason)
        kept = work.deposits.get(deposit)
        if kept is None or kept.object_name is None or kept.length is None:
            raise NotFoundError("Ce dépôt est inconnu de ce service.")
        if record.payload_ticket is None:
            ticket = record_event(
                service,
                work,
                EventType.PAYLOAD_READ,
                at=now,
                cites=_cites(record, kept.manifest),
                facts={"deposit": deposit},
            )
            work.releases.set_payload_ticket(record.request, deposit, ticket)
            work.commit()
    publish(service)
    return Payload(service, kept.object_name, kept.length)


def _released(work: UnitOfWork, caller: Caller, deposit: str) -> ReleaseRecord:
    record = work.releases.latest(caller.certificate, deposit) if caller.certificate else None
    if record is None or record.answer is None:
        raise NotFoundError("Ce dépôt ne vous a pas été remis : demandez d'abord son ouverture.")
    return record


def _refusal_now(work: UnitOfWork, record: ReleaseRecord, now: datetime) -> RefusalReason | None:
    request = _request(work, record)
    foresee_decisions(work.statements, [request], [record.deposit])
    return refusal_of(work.statements, request, record.deposit, now)


def _request(work: UnitOfWork, record: ReleaseRecord) -> AccessRequest:
    accepted = work.statements.get(record.request)
    if accepted is None or not isinstance(accepted.statement, AccessRequest):
        raise NotFoundError("Ce dépôt ne vous a pas été remis : demandez d'abord son ouverture.")
    return accepted.statement


def _log_refusal(
    service: Service, work: UnitOfWork, record: ReleaseRecord, reason: RefusalReason, now: datetime
) -> None:
    if pass_one(work, release_refusals(service), now, record.certificate) is None:
        return  # enough of them are in the log; the refusal itself is not in doubt
    facts = {"deposit": record.deposit, "purpose": _request(work, record).purpose.value}
    record_event(
        service,
        work,
        EventType.RELEASE_REFUSED,
        at=now,
        cites=_cites(record, None),
        facts={**facts, "reason": reason.value},
    )


def _cites(record: ReleaseRecord, manifest: Digest | None) -> dict[str, Digest]:
    cites = {"access_request": record.request, "certificate": record.certificate}
    return {**cites, "manifest": manifest} if manifest else cites
