"""Beginning a deposit: an upload, and a release key that the broker makes for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Unverified, parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.registry import Certificate, Role
from exchange.domain.deposit_lifecycle import INITIAL
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import require_approval, sitting_to_begin
from exchange.usecases.errors import BrokerRefusalError, NotFoundError, TooManyError, explained
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested, DepositRecord, UnitOfWork
from exchange.usecases.record import Filed, attest, filed, present, publish, record_statement
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate, verified_by


@dataclass(frozen=True)
class Begun:
    """The new deposit's id and the release key that its envelopes are sealed to."""

    deposit: str
    release_key: Attested


def begin_deposit(
    service: Service, caller: Caller, sitting: str, sitting_sha256: Digest, *, deposit: str
) -> Begun:
    """Begin a deposit for a sitting; ``deposit.begun`` is logged.

    ``deposit`` is the id that was reserved for this request: wherever an earlier attempt stopped,
    this one goes on, and the broker, too, makes one key a deposit.
    """
    now = present(service)
    with service.readings() as work:
        held = require_certificate(service, work, caller, Role.DEPOSITOR, now)
        known = _known(work, held, deposit)
        if known is None:
            _check(service, work, held, sitting, sitting_sha256, now)
    publish(service)
    if known is not None:
        return Begun(deposit, attest(service, known))
    push_to_broker(service)
    envelope = service.broker.make_release_key(deposit, sitting_sha256)
    with explained():
        unverified = parse(ReleaseKey, envelope)
    if unverified.statement.deposit != deposit or unverified.statement.sitting != sitting:
        raise BrokerRefusalError("Le gardien des clés a répondu pour un autre dépôt.")
    upload = service.objects.begin()
    now = present(service)
    with service.transactions() as work:
        begun = _known(work, held, deposit)  # another worker may have had the same request
        if begun is None:
            _check(service, work, held, sitting, sitting_sha256, now)
            record = _record_of(held, unverified.statement, upload, now)
            begun = _begin(service, work, held, unverified, record)
            work.commit()
    publish(service)
    return Begun(deposit, attest(service, begun))


def _known(work: UnitOfWork, held: Accepted[Certificate], deposit: str) -> Filed | None:
    """The release key of a deposit begun before."""
    record = work.deposits.get(deposit)
    if record is None:
        return None
    if record.certificate != held.digest:  # unguessable ids: only a fault leads here
        raise NotFoundError("Ce dépôt est inconnu de ce service.")
    return filed(work, work.statements.find(ReleaseKey, deposit=deposit)[0])


def _record_of(
    held: Accepted[Certificate], made: ReleaseKey, upload: str, now: datetime
) -> DepositRecord:
    return DepositRecord(
        deposit=made.deposit,
        sitting=made.sitting,
        organisation=held.statement.organisation,
        certificate=held.digest,
        state=INITIAL.value,
        upload=upload,
        object_name=None,
        manifest=None,
        length=None,
        begun_at=now,
    )


def _begin(
    service: Service,
    work: UnitOfWork,
    held: Accepted[Certificate],
    unverified: Unverified[ReleaseKey],
    record: DepositRecord,
) -> Filed:
    """The deposit's row, and the event that records its key."""
    ticket = record_statement(
        service,
        work,
        verified_by(service, work, unverified, record.begun_at),
        EventType.DEPOSIT_BEGUN,
        at=record.begun_at,
        cites={"certificate": held.digest, "sitting": unverified.statement.sitting_sha256},
        facts={"deposit": record.deposit},
    )
    work.deposits.add(record)
    return Filed(unverified.envelope, unverified.digest, ticket)


def _check(
    service: Service,
    work: UnitOfWork,
    held: Accepted[Certificate],
    sitting: str,
    sitting_sha256: Digest,
    now: datetime,
) -> None:
    association = held.statement.organisation
    sitting_to_begin(work.statements, sitting, sitting_sha256, association, now)
    require_approval(work.statements, association, sitting, now)
    unfinished = [
        each
        for each in work.deposits.of_sitting(sitting)
        if each.organisation == association and each.state == INITIAL.value
    ]
    if len(unfinished) >= service.limits.open_deposits:
        raise TooManyError(
            "Votre association a déjà {count} dépôts inachevés à cette séance : terminez-les.",
            count=len(unfinished),
        )
