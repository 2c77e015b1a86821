"""A release: decided, logged, and only then opened by the broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.checkpoint import Checkpoint
from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Unverified, Verified, parse
from crypto.statements.agenda import AgendaOpening
from crypto.statements.exchange import AccessRequest
from exchange.domain.policy import Permit, decide
from exchange.domain.refusals import MESSAGES, RefusalReason
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import known_sitting
from exchange.usecases.errors import (
    BrokerRefusalError,
    InvalidRequestError,
    TooManyError,
    explained,
)
from exchange.usecases.facts import (
    access_facts,
    cited,
    latest_agenda,
    manifest_of,
    sealed_envelope,
)
from exchange.usecases.foresight import foresee_decision
from exchange.usecases.ledger import StatementIndex
from exchange.usecases.ports import Attested, OpenRequest, ReleaseRecord, UnitOfWork
from exchange.usecases.rates import is_open, pass_one, release_refusals
from exchange.usecases.record import (
    Filed,
    filed_all,
    present,
    publish,
    receipt,
    receipts,
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
    """What the broker is shown for one deposit, and the reader with the header."""

    statements: tuple[Filed, ...]
    manifest: Filed
    grant: Filed | None
    item: AgendaOpening | None
    envelope: bytes

    @property
    def tickets(self) -> set[int]:
        """Of the events whose receipts go with it."""
        shown = (*self.statements, self.manifest, *([self.grant] if self.grant else ()))
        return {each.ticket for each in shown}


@dataclass(frozen=True)
class _Authorised:
    record: ReleaseRecord
    material: _Material | None
    """None when its envelope is gone."""


@dataclass(frozen=True)
class _Refused:
    deposit: str
    reason: str
    message: str
    params: dict[str, object]
    ticket: int

    def with_receipt(self, proof: bytes) -> Refusal:
        """The refusal as the caller gets it, once its event is in the log."""
        return Refusal(self.deposit, self.reason, self.message, self.params, proof)


@dataclass(frozen=True)
class _Decided:
    authorised: list[_Authorised]
    refused: list[_Refused]


@dataclass(frozen=True)
class _Failed:
    """The broker's refusal of what this service had authorised."""

    record: ReleaseRecord
    error: BrokerRefusalError


def release(service: Service, caller: Caller, envelope: bytes) -> Releases:
    """Answer an access request, deposit by deposit. A retry gets the same index and answer.

    Every deposit is decided and logged before the first is opened, and decided again at a retry:
    what was recused, withdrawn or closed since is refused, also where an answer is still kept.
    """
    with explained():
        unverified = parse(AccessRequest, envelope)
    now = present(service)
    require_own(caller, unverified.statement)
    _require_same_history(service, unverified.statement)
    with service.transactions() as work:
        foresee_decision(work.statements, unverified.statement, unverified.statement.deposits)
        require_caller(service, work, caller, now)
        _require_patience(service, work, caller, now)
        decided = _decide_all(service, work, unverified, now)
        if decided.refused:
            pass_one(work, release_refusals(service), now, caller.certificate or "")
        work.commit()
    publish(service)
    push_to_broker(service)
    opened, failed = _open_all(service, unverified, decided.authorised)
    # All answers at once: should this process die before, the broker gives the same ones again.
    refused = [*decided.refused, *_keep(service, unverified, opened, failed)]
    proofs = receipts(service, [each.ticket for each in refused]) if refused else {}
    return Releases(
        tuple(opened), tuple(each.with_receipt(proofs[each.ticket]) for each in refused)
    )


def _require_patience(service: Service, work: UnitOfWork, caller: Caller, now: datetime) -> None:
    if not is_open(work, release_refusals(service), now, caller.certificate or ""):
        raise TooManyError(
            "Trop de demandes refusées en peu de temps : corrigez-en la cause, puis recommencez "
            "dans une minute."
        )


def _decide_all(
    service: Service, work: UnitOfWork, unverified: Unverified[AccessRequest], now: datetime
) -> _Decided:
    """Decide each deposit, and append its event. The request is kept with the first event."""
    request = unverified.statement
    verified = verified_by(service, work, unverified, now)
    known_sitting(work.statements, request.sitting, request.sitting_sha256)
    spent = work.statements.get(unverified.digest) is not None
    if not spent:
        require_fresh(service, request, now)
    decided, index = _Decided([], []), work.statements
    for deposit in dict.fromkeys(request.deposits):
        reason = _reason(index, request, deposit, now)
        record = work.releases.get(unverified.digest, deposit) if spent else None
        if reason is None and record is not None:
            decided.authorised.append(_Authorised(record, _material(work, request, record)))
            continue
        if reason is None and spent:
            reason = RefusalReason.REQUEST_SPENT
        ticket = _log(service, work, verified, deposit, reason, now)
        if reason is not None:
            refused = _Refused(deposit, reason.value, MESSAGES[reason], {}, ticket)
            decided.refused.append(refused)
            continue
        record = ReleaseRecord(unverified.digest, deposit, request.signer, ticket, None, None)
        work.releases.add(record)
        decided.authorised.append(_Authorised(record, _material(work, request, record)))
    return decided


def _reason(
    index: StatementIndex, request: AccessRequest, deposit: str, now: datetime
) -> RefusalReason | None:
    verdict = decide(
        access_facts(
            index,
            certificate=request.signer,
            sitting=request.sitting,
            deposit=deposit,
            purpose=request.purpose,
            now=now,
        )
    )
    return None if isinstance(verdict, Permit) else verdict.reason


def _log(
    service: Service,
    work: UnitOfWork,
    verified: Verified[AccessRequest],
    deposit: str,
    reason: RefusalReason | None,
    now: datetime,
) -> int:
    request = verified.statement
    facts = {"deposit": deposit, "purpose": request.purpose.value}
    if reason is None:
        kind = EventType.RELEASE_AUTHORISED
        cites = cited(
            work.statements,
            certificate=request.signer,
            sitting=request.sitting,
            deposit=deposit,
            purpose=request.purpose,
        )
    else:
        kind, cites = EventType.RELEASE_REFUSED, {"certificate": request.signer}
        facts["reason"] = reason.value
    if work.statements.get(verified.digest) is None:
        return record_statement(service, work, verified, kind, at=now, cites=cites, facts=facts)
    cites["access_request"] = verified.digest
    return record_event(service, work, kind, at=now, cites=cites, facts=facts)


def _require_same_history(service: Service, request: AccessRequest) -> None:
    """The reader's last checkpoint must lie in this log; raises InvalidRequestError."""
    with explained():
        seen = Checkpoint.of_note(request.checkpoint.encode())
        if seen.origin != service.origin:
            raise InvalidRequestError("Cette demande cite un autre journal.")
        if not service.log.begins_with(seen):
            raise InvalidRequestError(
                "Cette demande cite un point de contrôle que ce journal n'a pas : il est plus long, "
                "ou celui d'un autre."
            )


def _open_all(
    service: Service, unverified: Unverified[AccessRequest], authorised: Sequence[_Authorised]
) -> tuple[list[Opened], list[_Failed]]:
    """Show the broker each deposit with the receipts that it asks for, all under one checkpoint."""
    shown = [each.material.tickets for each in authorised if each.material]
    proofs = receipts(service, {each.record.ticket for each in authorised}.union(*shown))
    opened: list[Opened] = []
    failed: list[_Failed] = []
    for each in authorised:
        try:
            opened.append(_open(service, unverified, each, proofs))
        except BrokerRefusalError as error:
            failed.append(_Failed(each.record, error))
    return opened, failed


def _open(
    service: Service,
    unverified: Unverified[AccessRequest],
    authorised: _Authorised,
    proofs: Mapping[int, bytes],
) -> Opened:
    record, material = authorised.record, authorised.material
    if material is None:
        raise BrokerRefusalError("Ce dépôt a été retiré, ou sa séance est close.")
    proof = _proof(service, proofs, record.ticket)
    answer = record.answer or service.broker.open(
        OpenRequest(
            access_request=unverified.envelope,
            statements=tuple(
                Attested(each.envelope, proofs[each.ticket])
                for each in material.statements
                if each.ticket in proofs  # retention erased the others
            ),
            item=material.item,
            release=proof,
            deposit=record.deposit,
            envelope=material.envelope,
        )
    )
    manifest, grant = material.manifest, material.grant
    return Opened(
        record.deposit,
        Attested(manifest.envelope, _proof(service, proofs, manifest.ticket)),
        Attested(grant.envelope, _proof(service, proofs, grant.ticket)) if grant else None,
        answer,
        proof,
    )


def _proof(service: Service, proofs: Mapping[int, bytes], ticket: int) -> bytes:
    """One of the receipts; raises what says that it was erased."""
    return proofs.get(ticket) or receipt(service, ticket)


def _keep(
    service: Service,
    unverified: Unverified[AccessRequest],
    opened: Sequence[Opened],
    failed: Sequence[_Failed],
) -> list[_Refused]:
    """Keep the broker's answers, and log what it refused."""
    if opened:
        with service.unordered() as work:
            for each in opened:
                work.releases.set_answer(unverified.digest, each.deposit, each.header)
            work.commit()
    if not failed:
        return []
    with service.transactions() as work:
        refused = [_failed(service, work, unverified, each) for each in failed]
        work.commit()
    publish(service)
    return refused


def _material(work: UnitOfWork, request: AccessRequest, record: ReleaseRecord) -> _Material | None:
    """As it is when the release is decided: whatever comes after, the broker itself knows of."""
    index = work.statements
    manifest = manifest_of(index, record.deposit)
    sealed = manifest and sealed_envelope(index, manifest, request.signer, request.purpose)
    envelope = sealed and work.deposits.envelope(record.deposit, sealed.entry.envelope_sha256)
    if manifest is None or not sealed or not envelope:
        return None
    rests_on = cited(
        index,
        certificate=request.signer,
        sitting=request.sitting,
        deposit=record.deposit,
        purpose=request.purpose,
    )
    accepted = [index.get(digest) for digest in rests_on.values()]
    shown = filed_all(work, [each for each in accepted if each])
    by_digest = {each.digest: each for each in shown}
    return _Material(
        tuple(shown),
        by_digest[manifest.digest],
        by_digest[sealed.grant.digest] if sealed.grant else None,
        _listed_as(index, request.sitting, manifest.digest),
        envelope,
    )


def _listed_as(index: StatementIndex, sitting: str, manifest: Digest) -> AgendaOpening | None:
    """The opening of this one dossier, which alone the broker is shown of the agenda."""
    agenda = latest_agenda(index, sitting)
    shown = index.opened(agenda.digest) if agenda else ()
    found = (each.shown for each in shown if each.item and manifest in each.item.manifests)
    return next(found, None)


def _failed(
    service: Service, work: UnitOfWork, unverified: Unverified[AccessRequest], failed: _Failed
) -> _Refused:
    record, error = failed.record, failed.error
    reason = RefusalReason.BROKER_REFUSED.value
    manifest = manifest_of(work.statements, record.deposit)
    cites = {"access_request": unverified.digest, "certificate": record.certificate}
    ticket = record_event(
        service,
        work,
        EventType.RELEASE_FAILED,
        at=present(service),
        cites={**cites, "manifest": manifest.digest} if manifest else cites,
        facts={"deposit": record.deposit, "reason": reason},
    )
    return _Refused(record.deposit, reason, error.message, error.params, ticket)
