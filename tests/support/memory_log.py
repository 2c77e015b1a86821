"""The log's ports in memory, with a place for faults: what SQL and a file do in production.

A ``fault`` is called with the name of each step before the step lasts and after it ("commit" and
"commit done"), and raises to simulate a crash there. A commit that fails leaves nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from audit.errors import LogUnavailableError
from audit.ports import Disclosure, NewEntry, PendingEntry, Place
from audit.tiles import FULL_TILE_BYTES

Fault = Callable[[str], None]


def no_fault(_step: str) -> None:
    """Nothing goes wrong."""


@dataclass
class _Rows:
    """What a database would hold."""

    entries: dict[int, NewEntry] = field(default_factory=dict)
    index_of: dict[int, int] = field(default_factory=dict)
    tickets: list[int] = field(default_factory=list)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    head: tuple[int, bytes] | None = None
    published: tuple[int, bytes] | None = None
    erased: set[int] = field(default_factory=set)


class MemoryLogTransaction:
    """Keeps its writes to itself until the store commits them. A ``LogTransaction``."""

    def __init__(self, rows: _Rows, fault: Fault) -> None:
        self._rows = rows
        self._fault = fault
        self.assigned: list[int] = []
        self.tiles: dict[tuple[int, int], bytes] = {}

    def head(self) -> bytes | None:
        return self._rows.head[1] if self._rows.head else None

    def published(self) -> bytes | None:
        return self._rows.published[1] if self._rows.published else None

    def pending(self, limit: int) -> Sequence[PendingEntry]:
        self._fault("pending")
        taken = set(self.assigned)
        waiting = sorted(
            t for t in self._rows.entries if t not in self._rows.index_of and t not in taken
        )
        return [PendingEntry(ticket, self._rows.entries[ticket].leaf) for ticket in waiting[:limit]]

    def assign(self, first_index: int, entries: Sequence[PendingEntry]) -> None:
        self._fault("assign")
        if first_index != len(self._rows.tickets) + len(self.assigned):
            raise LogUnavailableError("Un indice n'est écrit qu'une fois, et sans trou.")
        self.assigned += [entry.ticket for entry in entries]

    def read_tile(self, level: int, number: int) -> bytes:
        return self.tiles.get((level, number), self._rows.tiles.get((level, number), b""))

    def write_tile(self, level: int, number: int, hashes: bytes) -> None:
        self._fault("write_tile")
        if not hashes.startswith(self.read_tile(level, number)) or len(hashes) > FULL_TILE_BYTES:
            raise LogUnavailableError("Une tuile ne fait que grandir.")
        self.tiles[level, number] = hashes

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        tickets = [*self._rows.tickets, *self.assigned][first : first + count]
        return [self._rows.entries[ticket].leaf for ticket in tickets]


class MemoryLogStore:
    """A ``LogStore``, and the event table that feeds it (``append``)."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.rows = _Rows()
        self.fault = fault
        self._lock = threading.Lock()
        self._next_ticket = 1

    def append(self, entry: NewEntry) -> int:
        """What a committed business transaction leaves: a pending event. Returns its ticket."""
        ticket, self._next_ticket = self._next_ticket, self._next_ticket + 1
        self.rows.entries[ticket] = entry
        return ticket

    def erase(self, index: int) -> None:
        """Delete an entry's details and opening, as the retention rule does."""
        self.rows.erased.add(index)

    @contextmanager
    def integration(self) -> Iterator[MemoryLogTransaction]:
        with self._lock:
            transaction = MemoryLogTransaction(self.rows, self.fault)
            yield transaction
            self.fault("commit")
            self._commit(transaction)
            self.fault("commit done")

    def _commit(self, transaction: MemoryLogTransaction) -> None:
        for ticket in transaction.assigned:
            self.rows.index_of[ticket] = len(self.rows.tickets)
            self.rows.tickets.append(ticket)
        self.rows.tiles.update(transaction.tiles)

    @contextmanager
    def reading(self) -> Iterator[MemoryLogStore]:
        yield self

    def places(self, tickets: Collection[int]) -> Sequence[Place]:
        known = [each for each in tickets if each in self.rows.index_of]
        places = [(each, self.rows.index_of[each]) for each in known]
        return [Place(ticket, index, self.disclosure(index)) for ticket, index in places]

    def published(self) -> bytes | None:
        return self.rows.published[1] if self.rows.published else None

    def publish(self, size: int, head: bytes, note: bytes) -> None:
        self.fault("publish")
        if self.rows.head is None or size > self.rows.head[0]:
            self.rows.head = (size, head)
        if self.rows.published is None or size >= self.rows.published[0]:
            self.rows.published = (size, note)
        self.fault("publish done")

    def index_of(self, ticket: int) -> int | None:
        return self.rows.index_of.get(ticket)

    def read_tile(self, level: int, number: int) -> bytes:
        return self.rows.tiles.get((level, number), b"")

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        tickets = self.rows.tickets[first : first + count]
        return [self.rows.entries[ticket].leaf for ticket in tickets]

    def disclosure(self, index: int) -> Disclosure | None:
        if index in self.rows.erased or not 0 <= index < len(self.rows.tickets):
            return None
        entry = self.rows.entries[self.rows.tickets[index]]
        return Disclosure(index, entry.details, entry.opening)

    def disclosures(self, first: int, count: int) -> Sequence[Disclosure]:
        found = (self.disclosure(index) for index in range(first, first + count))
        return [each for each in found if each is not None]


class MemoryHighWater:
    """A ``HighWater`` in memory."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.note: bytes | None = None
        self.fault = fault

    def read(self) -> bytes | None:
        return self.note

    def write(self, note: bytes) -> None:
        self.fault("mark")
        self.note = note
        self.fault("mark done")


__all__ = ["MemoryHighWater", "MemoryLogStore", "MemoryLogTransaction", "no_fault"]
