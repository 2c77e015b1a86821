"""Removing what nothing needs any more: keys that should have ended, old uploads, stray objects."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import step
from exchange.usecases.destruction import settle
from exchange.usecases.endings import purge_left_withdrawn
from exchange.usecases.record import present
from exchange.usecases.service import Service


@dataclass(frozen=True)
class Swept:
    """How many uploads and objects were removed."""

    uploads: int
    objects: int


def sweep(service: Service) -> Swept:
    """End keys that are due, abandon old uploads, delete unreferenced objects.

    Objects are listed before the rows are read: one that is committed meanwhile has its row by then
    or belongs to an upload that began after the limit, and is left alone by the state of its upload.
    """
    settle(service)
    purge_left_withdrawn(service)
    limit = present(service) - service.limits.upload_lifetime
    names = set(service.objects.names())
    old = {upload for upload, began in service.objects.uploads() if began < limit}
    with service.transactions() as work:
        kept = set()
        recent = False
        for state in DepositState:
            for record in work.deposits.in_state(state.value):
                if record.object_name is not None and state is not DepositState.PURGED:
                    kept.add(record.object_name)
                if state is DepositState.BEGUN and record.begun_at < limit:
                    after = step(TABLE, state, DepositEvent.ABANDON)
                    work.deposits.move(record.deposit, expected=state.value, new=after.value)
                    old.add(record.upload)
                elif state is DepositState.BEGUN:
                    recent = True
        work.commit()
    for upload in old:
        service.objects.abort(upload)
    # While a deposit is under way, its object may be committed and not named yet: leave them all.
    orphans = set() if recent else names - kept
    for name in orphans:
        service.objects.delete(name)
    return Swept(len(old), len(orphans))
