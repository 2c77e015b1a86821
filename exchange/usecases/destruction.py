"""After a withdrawal or a closing: the broker destroys keys, and the server drops envelopes."""

from __future__ import annotations

from collections.abc import Sequence

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import parse
from crypto.statements.custody import Destruction
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.registry import Closing
from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import allows, step
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.errors import explained
from exchange.usecases.facts import association_of
from exchange.usecases.ports import Attested, DepositRecord, UnitOfWork
from exchange.usecases.record import Filed, attest, present, publish, record_statement
from exchange.usecases.service import Service
from exchange.usecases.signatures import verified_by


def destroy_keys(service: Service, because: Digest) -> Attested:
    """Have the broker destroy what ``because`` ends, and record it. Repeats the same answer."""
    envelope = service.broker.destroy(because)
    now = present(service)
    with explained():
        unverified = parse(Destruction, envelope)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            verified = verified_by(service, work, unverified, now)
            ticket = record_statement(
                service,
                work,
                verified,
                EventType.KEY_DESTROYED,
                at=now,
                cites={"because": because},
            )
            _end_deposits(work, because)
            work.commit()
        else:
            ticket = known.order
    publish(service)
    push_to_broker(service)
    return attest(service, Filed(envelope, unverified.digest, ticket))


def _end_deposits(work: UnitOfWork, because: Digest) -> None:
    accepted = work.statements.get(because)
    if accepted is None:
        return
    if isinstance(accepted.statement, Closing):
        _end(work, work.deposits.of_sitting(accepted.statement.sitting), DepositEvent.CLOSE)
    if isinstance(accepted.statement, Withdrawal):
        _end(work, _withdrawn(work, accepted.statement), DepositEvent.WITHDRAW)


def _withdrawn(work: UnitOfWork, withdrawal: Withdrawal) -> list[DepositRecord]:
    association = association_of(work.statements, withdrawal)
    manifests = work.statements.find(Manifest, dossier=withdrawal.dossier)
    records = [work.deposits.get(each.statement.deposit) for each in manifests]
    return [each for each in records if each and each.organisation == association]


def _end(work: UnitOfWork, records: Sequence[DepositRecord], event: DepositEvent) -> None:
    for record in records:
        state = DepositState(record.state)
        if not allows(TABLE, state, event):
            continue
        after = step(TABLE, state, event)
        work.deposits.move(record.deposit, expected=state.value, new=after.value)
        work.deposits.drop_envelopes(record.deposit)
