"""What a withdrawal, a closing or a purge does to what the server keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.custody import Purge
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.registry import Closing
from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import allows, step
from exchange.usecases.facts import association_of, manifest_of, withdrawal_of
from exchange.usecases.holds import held_until
from exchange.usecases.ports import DepositRecord, UnitOfWork
from exchange.usecases.record import present, publish, record_event
from exchange.usecases.service import Service


def end_deposits(work: UnitOfWork, statement: Statement) -> None:
    """Move the deposits that a closing or withdrawal ends, and forget their envelopes.

    In the transaction that accepts the statement: from its commit on nothing more is opened, also
    while the broker cannot be reached.
    """
    if isinstance(statement, Closing):
        _end(work, work.deposits.of_sitting(statement.sitting), DepositEvent.CLOSE)
    if isinstance(statement, Withdrawal):
        _end(work, _withdrawn(work, statement), DepositEvent.WITHDRAW)


def end_keys(work: UnitOfWork, deposits: Iterable[str]) -> None:
    """The same for single deposits whose keys the broker destroyed by its own clock."""
    records = [work.deposits.get(deposit) for deposit in deposits]
    _end(work, [each for each in records if each], DepositEvent.CLOSE)


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


def purge_deposits(service: Service, purge: Digest) -> None:
    """Delete the ciphertexts that an accepted purge names; ``purge.done``. Repeats without harm.

    Rows and event first, objects after: a crash in between leaves objects that no row names, and
    the sweep deletes them.
    """
    with service.transactions() as work:
        accepted = work.statements.get(purge)
        assert accepted is not None
        assert isinstance(accepted.statement, Purge)
        records = [work.deposits.get(deposit) for deposit in accepted.statement.deposits]
        due = [each for each in records if each and not _is_held(service, work, each)]
        names = _purge(service, work, due, {"purge": purge})
    _delete(service, names)


def purge_withdrawn(service: Service, withdrawal: Digest) -> None:
    """Delete at once the ciphertexts of a dossier that its association withdrew; ``purge.done``.

    Nobody can open them any more and the association keeps its own copy, so nothing waits for the
    secretariat; what a hold keeps back waits for a signed purge. Repeats without harm.
    """
    with service.transactions() as work:
        accepted = work.statements.get(withdrawal)
        assert accepted is not None
        assert isinstance(accepted.statement, Withdrawal)
        records = _withdrawn(work, accepted.statement)
        due = [each for each in records if not _is_held(service, work, each)]
        names = _purge(service, work, due, {"withdrawal": withdrawal})
    _delete(service, names)


def purge_left_withdrawn(service: Service) -> None:
    """Finish withdrawals that a crash, an absent broker or a hold, lifted since, left unpurged."""
    with service.transactions() as work:
        left = [
            withdrawal.digest
            for record in work.deposits.in_state(DepositState.WITHDRAWN.value)
            if (manifest := manifest_of(work.statements, record.deposit))
            and (
                withdrawal := withdrawal_of(
                    work.statements, manifest.statement.dossier, record.organisation
                )
            )
        ]
    for digest in dict.fromkeys(left):
        purge_withdrawn(service, digest)


def _purge(
    service: Service, work: UnitOfWork, due: Sequence[DepositRecord], because: dict[str, Digest]
) -> list[str]:
    """Move what may be purged, with its event, in this transaction; the objects to delete after."""
    kept = [each for each in due if _may_purge(each)]
    for record in kept:
        after = step(TABLE, DepositState(record.state), DepositEvent.PURGE)
        work.deposits.move(record.deposit, expected=record.state, new=after.value)
    if kept:
        record_event(
            service,
            work,
            EventType.PURGE_DONE,
            at=present(service),
            cites=because,
            facts={"deposits": str(len(kept))},
        )
        work.commit()
    return [each.object_name for each in kept if each.object_name]


def _delete(service: Service, names: Sequence[str]) -> None:
    publish(service)
    for name in names:
        service.objects.delete(name)


def _is_held(service: Service, work: UnitOfWork, record: DepositRecord) -> bool:
    manifest = manifest_of(work.statements, record.deposit)
    if manifest is None:
        return False
    return held_until(work.statements, manifest.statement.dossier, present(service)) is not None


def _may_purge(record: DepositRecord) -> bool:
    return allows(TABLE, DepositState(record.state), DepositEvent.PURGE)
