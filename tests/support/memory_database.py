"""The use cases' database in memory, with real rollback."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests.support.memory_deposits import MemoryDeposits, MemoryReleases
from tests.support.memory_log import MemoryLogStore
from tests.support.memory_requests import (
    MemoryChallenges,
    MemoryContacts,
    MemoryIdempotency,
    MemoryNotices,
    MemoryRates,
)
from tests.support.memory_rows import MemoryRows
from tests.support.memory_statements import MemoryEvents, MemoryStatements


class MemoryDatabase:
    """``Transactions`` over dictionaries. One writer at a time; leaving without commit undoes all.

    ``before_commit`` raises to play a database that dies there.
    """

    def __init__(self, log_store: MemoryLogStore) -> None:
        self.log_store = log_store
        self.rows = MemoryRows()
        self.before_commit: Callable[[], None] = lambda: None
        self._ticket = 0
        self._lock = threading.Lock()

    @contextmanager
    def transactions(self) -> Iterator[MemoryUnitOfWork]:
        if not self._lock.acquire(timeout=1):
            raise AssertionError("a transaction was begun inside another one")
        work = MemoryUnitOfWork(self, self.rows.snapshot())
        try:
            yield work
        finally:
            self._lock.release()

    def next_ticket(self) -> int:
        self._ticket += 1
        return self._ticket

    def store(self, rows: MemoryRows) -> None:
        self.before_commit()
        self.log_store.rows.entries.update(rows.events)
        self.log_store.rows.erased |= rows.erased
        self.rows = replace(rows, events={}, erased=set())

    def dump(self) -> Any:
        """All that lasts, to compare before and after (envelope bytes, states, events)."""
        return copy.deepcopy((vars(self.rows), sorted(self.log_store.rows.entries)))


class MemoryUnitOfWork:
    """A ``UnitOfWork``."""

    def __init__(self, database: MemoryDatabase, rows: MemoryRows) -> None:
        self._database = database
        self._rows = rows
        self.statements = MemoryStatements(database, rows)
        self.deposits = MemoryDeposits(rows)
        self.releases = MemoryReleases(database, rows)
        self.challenges = MemoryChallenges(rows)
        self.idempotency = MemoryIdempotency(rows)
        self.rates = MemoryRates(rows)
        self.events = MemoryEvents(database, rows)
        self.contacts = MemoryContacts(rows)
        self.notices = MemoryNotices(rows)

    def commit(self) -> None:
        self._database.store(self._rows)
