"""A release: decided, logged, and only then opened by the broker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.merkle import verify_consistency
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
from exchange.usecases.ledger import StatementIndex
from exchange.usecases.ports import Attested, OpenRequest, ReleaseRecord, UnitOfWork
from exchange.usecases.rates import is_open, pass_one, release_refusals
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
from exchange.usecases.remembering import Remembering
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
    item: AgendaOpening | None
    envelope: bytes


def release(service: Service, caller: Caller, envelope: bytes) -> Releases:
    """Answer an access request, deposit by deposit. A retry gets the same index and answer.

    Every deposit is decided and logged before the first is opened, and decided again at a retry:
    what was recused, withdrawn or closed since is refused, also where an answer is still kept.
    """
    with explained():
        unverified = parse(AccessRequest, envelope)
    now = present(service)
    with service.transactions() as work:
        require_caller(service, work, caller, now)
        require_own(caller, unverified.statement)
        _require_patience(service, work, caller, now)
        decided = _decide_all(service, work, unverified, now)
        if decided.refused:
            pass_one(work, release_refusals(service), now, caller.certificate or "")
        work.commit()
    publish(service)
    push_to_broker(service)
    opened: list[Opened] = []
    failed: list[_Refused] = []
    for record in decided.authorised:
        try:
            opened.append(_open(service, unverified, record))
        except BrokerRefusalError as error:
            failed.append(_failed(service, unverified, record, error))
    publish(service)
    refused = tuple(each.with_receipt(service) for each in (*decided.refused, *failed))
    return Releases(tuple(opened), refused)


@dataclass(frozen=True)
class _Refused:
    deposit: str
    reason: str
    message: str
    params: dict[str, object]
    ticket: int

    def with_receipt(self, service: Service) -> Refusal:
        """The refusal as the caller gets it, once its event is in the log."""
        proof = receipt(service, self.ticket)
        return Refusal(self.deposit, self.reason, self.message, self.params, proof)


@dataclass(frozen=True)
class _Decided:
    authorised: list[ReleaseRecord]
    refused: list[_Refused]


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
    _require_same_history(service, request)
    spent = work.statements.get(unverified.digest) is not None
    if not spent:
        require_fresh(service, request, now)
    decided = _Decided([], [])
    # What is recorded on the way, requests and refusals, is nothing that a decision rests on.
    index = Remembering(work.statements)
    for deposit in dict.fromkeys(request.deposits):
        reason = _reason(index, request, deposit, now)
        record = work.releases.get(unverified.digest, deposit)
        if reason is None and record is not None:
            decided.authorised.append(record)
            continue
        if reason is None and spent:
            reason = RefusalReason.REQUEST_SPENT
        ticket = _log(service, work, index, verified, deposit, reason, now)
        if reason is not None:
            refused = _Refused(deposit, reason.value, MESSAGES[reason], {}, ticket)
            decided.refused.append(refused)
            continue
        record = ReleaseRecord(unverified.digest, deposit, request.signer, ticket, None, None)
        work.releases.add(record)
        decided.authorised.append(record)
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
    index: StatementIndex,
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
            index,
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
        note = service.log.checkpoint()
        if note is None or seen.origin != service.origin:
            raise InvalidRequestError("Cette demande cite un autre journal.")
        current = Checkpoint.of_note(note)
        if seen.size > current.size:
            raise InvalidRequestError("Cette demande cite un journal plus long que celui-ci.")
        proof = service.log.consistency(seen.size, current.size)
        verify_consistency(seen.size, current.size, seen.root, current.root, proof)


def _open(service: Service, unverified: Unverified[AccessRequest], record: ReleaseRecord) -> Opened:
    with service.readings() as work:
        material = _material(work, unverified.statement, record)
    proof = receipt(service, record.ticket)
    answer = record.answer
    if answer is None:
        answer = service.broker.open(
            OpenRequest(
                access_request=unverified.envelope,
                statements=attest_all(service, material.statements),
                item=material.item,
                release=proof,
                deposit=record.deposit,
                envelope=material.envelope,
            )
        )
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
    index = Remembering(work.statements)
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
    service: Service,
    unverified: Unverified[AccessRequest],
    record: ReleaseRecord,
    error: BrokerRefusalError,
) -> _Refused:
    reason = RefusalReason.BROKER_REFUSED.value
    with service.transactions() as work:
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
        work.commit()
    return _Refused(record.deposit, reason, error.message, error.params, ticket)
