"""Removing what nothing needs any more: keys that should have ended, old uploads, stray objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import step
from exchange.usecases.destruction import settle
from exchange.usecases.endings import purge_left_withdrawn
from exchange.usecases.ports import UnitOfWork
from exchange.usecases.rates import window_of
from exchange.usecases.record import present
from exchange.usecases.service import Service


@dataclass(frozen=True)
class Swept:
    """How many uploads and objects were removed."""

    uploads: int
    objects: int


def sweep(service: Service) -> Swept:
    """End keys that are due, abandon old uploads, delete what no deposit names.

    Precise at any moment, with deposits under way: a deposit's row names its object before that is
    made (``commit_deposit``), so an object that is listed and then not named belongs to nobody, or to
    a deposit that ended. Hence the order: objects are listed first, rows are read after.
    """
    settle(service)
    purge_left_withdrawn(service)
    now = present(service)
    limit = now - service.limits.upload_lifetime
    names = set(service.objects.names())
    old = {upload for upload, began in service.objects.uploads() if began < limit}
    with service.transactions() as work:
        old |= _abandon(work, limit)
        kept = {name for state in _WITH_OBJECT for name in _objects_of(work, state)}
        work.idempotency.drop_before(now - service.limits.key_lifetime)
        work.challenges.drop_expired(now)
        work.rates.drop_before(window_of(now) - 1)
        work.commit()
    for upload in old:
        service.objects.abort(upload)
    return Swept(len(old), sum(_delete_orphan(service, name) for name in names - kept))


def _delete_orphan(service: Service, name: str) -> bool:
    """Delete an object unless a commit has come back for it since.

    Under the writers' lock: a deposit names its object under it too, so either that is seen here, or
    its commit finds the object gone and says so. Orphans are rare; a slow delete is bounded.
    """
    with service.transactions() as work:
        if work.deposits.names_object(name, [state.value for state in _WITH_OBJECT]):
            return False
        service.objects.delete(name)
    return True


_WITH_OBJECT: Final = frozenset(DepositState) - {DepositState.PURGED, DepositState.ABANDONED}


def _abandon(work: UnitOfWork, limit: datetime) -> set[str]:
    """Give up the deposits begun before ``limit`` and never committed; their uploads."""
    uploads = set()
    begun = DepositState.BEGUN
    for record in work.deposits.in_state(begun.value):
        if record.begun_at < limit:
            after = step(TABLE, begun, DepositEvent.ABANDON)
            work.deposits.move(record.deposit, expected=begun.value, new=after.value)
            uploads.add(record.upload)
    return uploads


def _objects_of(work: UnitOfWork, state: DepositState) -> Iterator[str]:
    for record in work.deposits.in_state(state.value):
        if record.object_name is not None:
            yield record.object_name
