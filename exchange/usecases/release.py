"""A release: decided, logged, and only then opened by the broker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.merkle import verify_consistency
from crypto.digests import Digest
from crypto.statements import Unverified, parse
from crypto.statements.exchange import AccessRequest
from exchange.domain.policy import Permit, decide
from exchange.domain.refusals import MESSAGES, RefusalReason
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import known_sitting
from exchange.usecases.errors import BrokerRefusalError, InvalidRequestError, explained
from exchange.usecases.facts import access_facts, cited, manifest_of, sealed_envelope
from exchange.usecases.ports import Attested, OpenRequest, ReleaseRecord, UnitOfWork
from exchange.usecases.record import (
    Filed,
    attest,
    attest_all,
    filed,
    present,
    publish,
    receipt,
    record_event,
    record_statement,
)
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import (
    require_caller,
    require_fresh,
    require_own,
    verified_by,
)


@dataclass(frozen=True)
class Opened:
    """One deposit that was released: the header is sealed to the request's reply key."""

    deposit: str
    manifest: Attested
    grant: Attested | None
    header: bytes
    receipt: bytes


@dataclass(frozen=True)
class Refusal:
    """One deposit that was not; ``message`` is a French template with ``params``."""

    deposit: str
    reason: str
    message: str
    params: dict[str, object]
    receipt: bytes


@dataclass(frozen=True)
class Releases:
    """The answer to one access request."""

    opened: tuple[Opened, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Material:
    """What the broker is shown for one deposit, read in one transaction."""

    statements: tuple[Filed, ...]
    manifest: Filed
    grant: Filed | None
    envelope: bytes


def release(service: Service, caller: Caller, envelope: bytes) -> Releases:
    """Answer an access request, deposit by deposit. A retry gets the same index and answer."""
    with explained():
        unverified = parse(AccessRequest, envelope)
    now = present(service)
    with service.transactions() as work:
        require_caller(service, work, caller, now)
        require_own(caller, unverified.statement)
        known = work.statements.get(unverified.digest)
        if known is None:
            refused = _decide_all(service, work, unverified, now)
            work.commit()
        else:
            refused = _not_released_before(work, unverified, known.order, now)
    publish(service)
    push_to_broker(service)
    with service.transactions() as work:
        found = [
            work.releases.get(unverified.digest, each) for each in unverified.statement.deposits
        ]
    opened: list[Opened] = []
    failed: list[Refusal] = []
    for record in found:
        if record is None:
            continue
        try:
            opened.append(_open(service, unverified, record))
        except BrokerRefusalError as error:
            failed.append(_failed(service, unverified, record, error))
    publish(service)
    return Releases(tuple(opened), (*(each.with_receipt(service) for each in refused), *failed))


@dataclass(frozen=True)
class _Refused:
    deposit: str
    reason: RefusalReason
    ticket: int

    def with_receipt(self, service: Service) -> Refusal:
        """The refusal as the caller gets it, once its event is in the log."""
        message = MESSAGES[self.reason]
        return Refusal(self.deposit, self.reason.value, message, {}, receipt(service, self.ticket))


def _decide_all(
    service: Service, work: UnitOfWork, unverified: Unverified[AccessRequest], now: datetime
) -> list[_Refused]:
    request = unverified.statement
    require_fresh(service, request, now)
    verified = verified_by(service, work, unverified, now)
    known_sitting(work.statements, request.sitting, request.sitting_sha256)
    _require_same_history(service, request)
    refused = []
    recorded = False
    for deposit in dict.fromkeys(request.deposits):
        kind, cites, facts, reason = _decide(work, request, deposit, now)
        if recorded:
            all_cites = {"access_request": unverified.digest, **cites}
            ticket = record_event(service, work, kind, at=now, cites=all_cites, facts=facts)
        else:
            ticket = record_statement(
                service, work, verified, kind, at=now, cites=cites, facts=facts
            )
            recorded = True
        if reason is None:
            work.releases.add(
                ReleaseRecord(unverified.digest, deposit, request.signer, ticket, None, None)
            )
        else:
            refused.append(_Refused(deposit, reason, ticket))
    return refused


def _decide(
    work: UnitOfWork, request: AccessRequest, deposit: str, now: datetime
) -> tuple[EventType, dict[str, Digest], dict[str, str], RefusalReason | None]:
    asked = {
        "certificate": request.signer,
        "sitting": request.sitting,
        "deposit": deposit,
        "purpose": request.purpose,
    }
    facts = {"deposit": deposit, "purpose": request.purpose.value}
    verdict = decide(access_facts(work.statements, now=now, **asked))  # type: ignore[arg-type]
    if isinstance(verdict, Permit):
        rests_on = cited(work.statements, **asked)  # type: ignore[arg-type]
        return EventType.RELEASE_AUTHORISED, rests_on, facts, None
    facts["reason"] = verdict.reason.value
    return EventType.RELEASE_REFUSED, {"certificate": request.signer}, facts, verdict.reason


def _require_same_history(service: Service, request: AccessRequest) -> None:
    """The reader's last checkpoint must lie in this log; raises InvalidRequestError."""
    with explained():
        seen = Checkpoint.of_note(request.checkpoint.encode())
        note = service.log.checkpoint()
        if note is None or seen.origin != service.origin:
            raise InvalidRequestError("Cette demande cite un autre journal.")
        current = Checkpoint.of_note(note)
        if seen.size > current.size:
            raise InvalidRequestError("Cette demande cite un journal plus long que celui-ci.")
        proof = service.log.consistency(seen.size, current.size)
        verify_consistency(seen.size, current.size, seen.root, current.root, proof)


def _not_released_before(
    work: UnitOfWork, unverified: Unverified[AccessRequest], ticket: int, now: datetime
) -> list[_Refused]:
    """On a retry: the deposits that this request did not get the first time."""
    request = unverified.statement
    refused = []
    for deposit in dict.fromkeys(request.deposits):
        if work.releases.get(unverified.digest, deposit) is None:
            reason = _decide(work, request, deposit, now)[3] or RefusalReason.NOTHING_KNOWN
            refused.append(_Refused(deposit, reason, ticket))
    return refused


def _open(service: Service, unverified: Unverified[AccessRequest], record: ReleaseRecord) -> Opened:
    with service.transactions() as work:
        material = _material(work, unverified.statement, record)
    attested = attest_all(service, material.statements)
    proof = receipt(service, record.ticket)
    answer = service.broker.open(
        OpenRequest(
            access_request=unverified.envelope,
            statements=attested,
            release=proof,
            deposit=record.deposit,
            envelope=material.envelope,
        )
    )
    if record.answer is None:
        with service.transactions() as work:
            work.releases.set_answer(record.request, record.deposit, answer)
            work.commit()
    return Opened(
        record.deposit,
        attest(service, material.manifest),
        attest(service, material.grant) if material.grant else None,
        answer,
        proof,
    )


def _material(work: UnitOfWork, request: AccessRequest, record: ReleaseRecord) -> _Material:
    index = work.statements
    manifest = manifest_of(index, record.deposit)
    sealed = manifest and sealed_envelope(index, manifest, request.signer, request.purpose)
    envelope = sealed and work.deposits.envelope(record.deposit, sealed.entry.envelope_sha256)
    if manifest is None or not sealed or not envelope:
        raise BrokerRefusalError("Ce dépôt a été retiré, ou sa séance est close.")
    rests_on = cited(
        index,
        certificate=request.signer,
        sitting=request.sitting,
        deposit=record.deposit,
        purpose=request.purpose,
    )
    accepted = [index.get(digest) for digest in rests_on.values()]
    return _Material(
        tuple(filed(work, each) for each in accepted if each),
        filed(work, manifest),
        filed(work, sealed.grant) if sealed.grant else None,
        envelope,
    )


def _failed(
    service: Service,
    unverified: Unverified[AccessRequest],
    record: ReleaseRecord,
    error: BrokerRefusalError,
) -> Refusal:
    with service.transactions() as work:
        manifest = manifest_of(work.statements, record.deposit)
        cites = {"access_request": unverified.digest, "certificate": record.certificate}
        if manifest is not None:
            cites["manifest"] = manifest.digest
        ticket = record_event(
            service,
            work,
            EventType.RELEASE_FAILED,
            at=present(service),
            cites=cites,
            facts={"deposit": record.deposit, "reason": error.code},
        )
        work.commit()
    publish(service)
    return Refusal(
        record.deposit, error.code, error.message, error.params, receipt(service, ticket)
    )
