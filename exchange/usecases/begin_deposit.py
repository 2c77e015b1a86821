"""Beginning a deposit: an upload, and a release key that the broker makes for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.events import EventType
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.statements import parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.registry import Certificate, Role
from exchange.domain.deposit_lifecycle import INITIAL
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.depositing import require_approval, sitting_to_begin
from exchange.usecases.errors import BrokerRefusalError, TooManyError, explained
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested, DepositRecord, UnitOfWork
from exchange.usecases.record import Filed, attest, present, publish, record_statement
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate, verified_by


@dataclass(frozen=True)
class Begun:
    """The new deposit's id and the release key that its envelopes are sealed to."""

    deposit: str
    release_key: Attested


def begin_deposit(service: Service, caller: Caller, sitting: str, sitting_sha256: Digest) -> Begun:
    """Begin a deposit for a sitting; ``deposit.begun`` is logged."""
    now = present(service)
    with service.transactions() as work:
        held = require_certificate(service, work, caller, Role.DEPOSITOR, now)
        _check(service, work, held, sitting, sitting_sha256, now)
    publish(service)
    push_to_broker(service)
    deposit = new_opaque_id(service.entropy)
    envelope = service.broker.make_release_key(deposit, sitting_sha256)
    with explained():
        unverified = parse(ReleaseKey, envelope)
    now = present(service)
    with service.transactions() as work:
        _check(service, work, held, sitting, sitting_sha256, now)
        verified = verified_by(service, work, unverified, now)
        if unverified.statement.deposit != deposit or unverified.statement.sitting != sitting:
            raise BrokerRefusalError("Le gardien des clés a répondu pour un autre dépôt.")
        ticket = record_statement(
            service,
            work,
            verified,
            EventType.DEPOSIT_BEGUN,
            at=now,
            cites={"certificate": held.digest, "sitting": sitting_sha256},
            facts={"deposit": deposit},
        )
        record = DepositRecord(
            deposit=deposit,
            sitting=sitting,
            organisation=held.statement.organisation,
            certificate=held.digest,
            state=INITIAL.value,
            upload=service.objects.begin(),
            object_name=None,
            manifest=None,
            length=None,
            begun_at=now,
        )
        work.deposits.add(record)
        work.commit()
    publish(service)
    return Begun(deposit, attest(service, Filed(envelope, unverified.digest, ticket)))


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
