"""The audit log's tables, as ``audit.ports.LogStore``.

Integration takes pending entries by "has no index yet", never by "ticket above the last one". On
PostgreSQL a ticket comes from a sequence, which is outside of transactions: ticket 8 may be
visible while ticket 7 is not committed yet. A cursor over tickets would skip 7 for ever; a missing
index cannot be skipped, it is found at the next step. (The writers' lock already makes tickets
commit in order; the log's completeness does not rest on that lock.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from sqlalchemy import Engine, bindparam, func, insert, select, update
from sqlalchemy.sql import Select

from audit.ports import Disclosure, LogTransaction, PendingEntry, Place
from storage.database import engine as limits
from storage.database.engine import Mode, transaction
from storage.database.errors import Waited, log_error
from storage.database.log_tables import (
    log_disclosures,
    log_entries,
    log_heads,
    log_published,
    log_tiles,
)
from storage.database.transaction import Parameters, Transaction
from storage.database.turns import Turns, WritingTurns
from storage.errors import LogStoreRefusedError

HASH_BYTES: Final = 32
TILE_BYTES: Final = 256 * HASH_BYTES
"""C2SP tlog-tiles: a full tile is 256 hashes wide."""

PLACES_AT_ONCE: Final = 500
"""Tickets named in one query: SQLite takes no statement with arbitrarily many values."""

_THE_ROW: Final = 1

# Made once: building a statement anew takes longer than executing it. An append runs all of them.
_HEAD = select(log_heads.c.note).order_by(log_heads.c.size.desc()).limit(1)
_LARGEST_HEAD = select(func.max(log_heads.c.size))
_NEW_HEAD = insert(log_heads)
_PENDING = (
    select(log_entries.c.ticket, log_entries.c.leaf)
    .where(log_entries.c.log_index.is_(None))
    .order_by(log_entries.c.ticket)
    .limit(bindparam("at_most"))
)
_GIVE_INDEX = (
    update(log_entries)
    .where(log_entries.c.ticket == bindparam("at"), log_entries.c.log_index.is_(None))
    .values(log_index=bindparam("given"))
)
_LAST_INDEX = select(func.max(log_entries.c.log_index))
_COUNT_FROM = select(func.count()).where(log_entries.c.log_index >= bindparam("first"))
_TILE = select(log_tiles.c.hashes).where(
    log_tiles.c.level == bindparam("at_level"), log_tiles.c.number == bindparam("at_number")
)
_NEW_TILE = insert(log_tiles)
_LONGER_TILE = (
    update(log_tiles)
    .where(log_tiles.c.level == bindparam("at_level"), log_tiles.c.number == bindparam("at_number"))
    .values(hashes=bindparam("longer"))
)
_LEAVES = (
    select(log_entries.c.leaf)
    .where(
        log_entries.c.log_index >= bindparam("first"), log_entries.c.log_index < bindparam("end")
    )
    .order_by(log_entries.c.log_index)
)
_PUBLISHED = select(log_published.c.note)
_PUBLISHED_SIZE = select(log_published.c.size)
_INDEX_OF = select(log_entries.c.log_index).where(log_entries.c.ticket == bindparam("at"))
_PLACES = (
    select(
        log_entries.c.ticket,
        log_entries.c.log_index,
        log_disclosures.c.details,
        log_disclosures.c.opening,
    )
    .outerjoin(log_disclosures, log_disclosures.c.ticket == log_entries.c.ticket)
    .where(
        log_entries.c.ticket.in_(bindparam("tickets", expanding=True)),
        log_entries.c.log_index.is_not(None),
    )
)
_DISCLOSURES = (
    select(log_entries.c.log_index, log_disclosures.c.details, log_disclosures.c.opening)
    .join(log_disclosures, log_disclosures.c.ticket == log_entries.c.ticket)
    .where(
        log_entries.c.log_index >= bindparam("first"), log_entries.c.log_index < bindparam("end")
    )
    .order_by(log_entries.c.log_index)
)
_MAKE_PUBLIC = update(log_published).values(size=bindparam("new"), note=bindparam("text"))


class SqlLogTransaction:
    """Implements ``audit.ports.LogTransaction``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._tiles: dict[tuple[int, int], bytes] = {}
        """Read or written in this transaction, in which nobody else writes. What one transaction
        wrote is read back from the database by the next (``audit.log``, step 2)."""

    def head(self) -> bytes | None:
        """The last signed note."""
        return _bytes(self._transaction.scalar(_HEAD))

    def published(self) -> bytes | None:
        """The last published note."""
        return _bytes(self._transaction.scalar(_PUBLISHED))

    def pending(self, limit: int) -> Sequence[PendingEntry]:
        """The oldest ``limit`` entries without an index."""
        found = self._transaction.rows(_PENDING, {"at_most": limit})
        return [PendingEntry(row.ticket, bytes(row.leaf)) for row in found]

    def assign(self, first_index: int, entries: Sequence[PendingEntry]) -> None:
        """Give consecutive indices; raises LogStoreRefusedError unless they continue the log."""
        if not entries:
            return
        if first_index != self._next_index():
            raise LogStoreRefusedError("Les indices du journal doivent se suivre sans trou.")
        self._transaction.change(
            _GIVE_INDEX,
            [{"at": entry.ticket, "given": first_index + n} for n, entry in enumerate(entries)],
        )
        # Counted by the database: a driver's row count for many updates at once is not reliable.
        # An entry that had an index already was not met, and is missing from the count. Indices
        # are unique, so as many of them as were given, from the first one on, have no gap. Only
        # these are counted: the cost does not grow with the log.
        if self._count_from(first_index) != len(entries):
            raise LogStoreRefusedError("Un événement avait déjà reçu un indice du journal.")

    def read_tile(self, level: int, number: int) -> bytes:
        """The hashes stored so far."""
        if (level, number) not in self._tiles:
            self._tiles[level, number] = _read_tile(self._transaction, level, number)
        return self._tiles[level, number]

    def write_tile(self, level: int, number: int, hashes: bytes) -> None:
        """Extend a tile; raises LogStoreRefusedError when it would change a stored hash."""
        if len(hashes) % HASH_BYTES or not 0 < len(hashes) <= TILE_BYTES:
            raise LogStoreRefusedError("Une tuile compte de 1 à 256 empreintes de 32 octets.")
        stored = self.read_tile(level, number)
        if not hashes.startswith(stored):
            raise LogStoreRefusedError("Une tuile du journal ne peut être que complétée.")
        del self._tiles[level, number]
        if not stored:
            new = {"level": level, "number": number, "hashes": hashes}
            self._transaction.change(_NEW_TILE, new)
        elif hashes != stored:
            longer = {"at_level": level, "at_number": number, "longer": hashes}
            self._transaction.change(_LONGER_TILE, longer)

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        """Leaf bytes by index."""
        return _leaves(self._transaction, first, count)

    def _next_index(self) -> int:
        last = self._transaction.scalar(_LAST_INDEX)
        return 0 if last is None else int(last) + 1

    def _count_from(self, first_index: int) -> int:
        return int(self._transaction.scalar(_COUNT_FROM, {"first": first_index}))


class SqlLogReading:
    """Implements ``audit.ports.LogReading``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._published: tuple[bytes | None] | None = None

    def published(self) -> bytes | None:
        """The published note of this moment."""
        if self._published is None:
            self._published = (_bytes(self._transaction.scalar(_PUBLISHED)),)
        return self._published[0]

    def places(self, tickets: Collection[int]) -> Sequence[Place]:
        """Indices and disclosures, by ticket."""
        found = []
        wanted = sorted(set(tickets))
        for at in range(0, len(wanted), PLACES_AT_ONCE):
            some = wanted[at : at + PLACES_AT_ONCE]
            for row in self._transaction.rows(_PLACES, {"tickets": some}):
                shown = None
                if row.details is not None:
                    shown = Disclosure(row.log_index, bytes(row.details), bytes(row.opening))
                found.append(Place(row.ticket, row.log_index, shown))
        return found

    def disclosure(self, index: int) -> Disclosure | None:
        """Details and opening of an entry."""
        return next(iter(_disclosures(self._transaction, index, 1)), None)

    def read_tile(self, level: int, number: int) -> bytes:
        """The hashes stored so far."""
        return _read_tile(self._transaction, level, number)


class SqlLogStore:
    """Implements ``audit.ports.LogStore``."""

    def __init__(self, engine: Engine, turns: WritingTurns) -> None:
        self._engine = engine
        self._turns = turns

    def integration(self) -> AbstractContextManager[LogTransaction]:
        """The one exclusive step on all hosts; raises LogStoreUnavailableError when another holds
        it for longer than ``engine.BUSY_TIMEOUT_MS``.
        """
        return self._integration()

    @contextmanager
    def _integration(self) -> Iterator[LogTransaction]:
        with self._writing(Mode.INTEGRATE, self._turns.integrate) as begun:
            yield SqlLogTransaction(begun)
            begun.commit()

    @contextmanager
    def _writing(self, mode: Mode, turns: Turns) -> Iterator[Transaction]:
        try:
            turns.take(mode, limits.BUSY_TIMEOUT_MS)
        except Waited as error:
            raise log_error(error) from error
        try:
            with transaction(self._engine, mode, log_error) as begun:
                yield begun
        finally:
            turns.give_back()

    def published(self) -> bytes | None:
        """The last published note."""
        return _bytes(self._scalar(_PUBLISHED))

    def publish(self, size: int, head: bytes, note: bytes) -> None:
        """Save a head and make it public. One smaller than what is public changes nothing: a slower
        worker's checkpoint is contained in it.
        """
        with self._writing(Mode.PUBLISH, self._turns.publish) as begun:
            _keep_head(begun, size, head)
            public = begun.scalar(_PUBLISHED_SIZE)
            if public is None:
                new = insert(log_published).values(id=_THE_ROW, size=size, note=note)
                begun.change(new)
            elif size >= public:
                begun.change(_MAKE_PUBLIC, {"new": size, "text": note})
            begun.commit()

    def index_of(self, ticket: int) -> int | None:
        """The index given to a ticket."""
        found = self._scalar(_INDEX_OF, {"at": ticket})
        return None if found is None else int(found)

    def read_tile(self, level: int, number: int) -> bytes:
        """The hashes stored so far."""
        with self._reading() as begun:
            return _read_tile(begun, level, number)

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        """Leaf bytes by index."""
        with self._reading() as begun:
            return _leaves(begun, first, count)

    def disclosure(self, index: int) -> Disclosure | None:
        """Details and opening of an entry."""
        return next(iter(self.disclosures(index, 1)), None)

    def disclosures(self, first: int, count: int) -> Sequence[Disclosure]:
        """Those of a range that still exist, in order."""
        with self._reading() as begun:
            return _disclosures(begun, first, count)

    @contextmanager
    def reading(self) -> Iterator[SqlLogReading]:
        """One transaction for what is read together."""
        with self._reading() as begun:
            yield SqlLogReading(begun)

    def _scalar(self, query: Select[Any], parameters: Parameters = None) -> Any:
        with self._reading() as begun:
            return begun.scalar(query, parameters)

    def _reading(self) -> AbstractContextManager[Transaction]:
        return transaction(self._engine, Mode.READ, log_error)


def _keep_head(begun: Transaction, size: int, head: bytes) -> None:
    """Save a signed head unless it, or a larger one, is saved already."""
    largest = begun.scalar(_LARGEST_HEAD)
    if largest is None or size > largest:
        begun.change(_NEW_HEAD, {"size": size, "note": head})


def _read_tile(begun: Transaction, level: int, number: int) -> bytes:
    found = begun.scalar(_TILE, {"at_level": level, "at_number": number})
    return b"" if found is None else bytes(found)


def _leaves(begun: Transaction, first: int, count: int) -> Sequence[bytes]:
    found = begun.rows(_LEAVES, {"first": first, "end": first + count})
    return [bytes(leaf) for (leaf,) in found]


def _disclosures(begun: Transaction, first: int, count: int) -> Sequence[Disclosure]:
    rows = begun.rows(_DISCLOSURES, {"first": first, "end": first + count})
    return [Disclosure(row.log_index, bytes(row.details), bytes(row.opening)) for row in rows]


def _bytes(found: Any) -> bytes | None:
    return None if found is None else bytes(found)
