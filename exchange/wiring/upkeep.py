"""What an operator does besides serving: migrate the database, and remove what is due."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.statements.custody import Purge, Retention
from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import allows
from exchange.settings import Settings
from exchange.usecases.endings import purge_deposits
from exchange.usecases.retention import apply_retention, entries_before, youngest_day
from exchange.usecases.service import Service
from exchange.usecases.sweep import Swept, sweep
from exchange.wiring.checkup import sqlite_path
from storage.database import current, migrate


@dataclass(frozen=True)
class Awaiting:
    """What only a signature can end: the program never purges on its own."""

    deposits: int
    """Ciphertexts of closed or withdrawn deposits: a registrar's ``purge`` names them."""
    events: int
    """Entries at the log's beginning whose time is over: ``attestation``, then ``retention``."""


def migrate_database(settings: Settings) -> tuple[str | None, str | None]:
    """Bring the schema to this version; the versions before and after."""
    before = _version(settings)
    migrate(settings.database_url)
    return before, _version(settings)


def remove_due(service: Service) -> Swept:
    """Do at once what the service does now and then, and finish what a crash cut short."""
    with service.transactions() as work:
        purges = [each.digest for each in work.statements.find(Purge)]
        retentions = [each.digest for each in work.statements.find(Retention)]
    for purge in purges:
        purge_deposits(service, purge)
    for retention in retentions:
        apply_retention(service, retention)
    return sweep(service)


def awaiting(service: Service) -> Awaiting:
    """What waits for a signed statement before it may be removed."""
    purgeable = [state for state in DepositState if allows(TABLE, state, DepositEvent.PURGE)]
    with service.transactions() as work:
        deposits = sum(len(work.deposits.in_state(state.value)) for state in purgeable)
    return Awaiting(deposits, entries_before(service, youngest_day(service, service.clock())))


def _version(settings: Settings) -> str | None:
    path = sqlite_path(settings)
    return None if path is not None and not path.exists() else current(settings.database_url)
