"""What the log needs from storage, stated as promises.

Two implementations exist: SQL (``storage.database``) and memory (``tests.support``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class NewEntry:
    """An event on its way into the log: public leaf, private details and opening."""

    leaf: bytes
    details: bytes
    opening: bytes


@dataclass(frozen=True)
class PendingEntry:
    """A committed event that has no index yet. ``ticket`` orders events by their commit."""

    ticket: int
    leaf: bytes


@dataclass(frozen=True)
class Disclosure:
    """What opens one entry's commitment."""

    index: int
    details: bytes
    opening: bytes


@dataclass(frozen=True)
class Place:
    """Where an event stands in the log; ``disclosure`` is None once it was erased."""

    ticket: int
    index: int
    disclosure: Disclosure | None


class LogReading(Protocol):
    """The stored log as it was at one moment."""

    def published(self) -> bytes | None:
        """As in LogStore."""

    def places(self, tickets: Collection[int]) -> Sequence[Place]:
        """The places of those events that have one already."""

    def disclosure(self, index: int) -> Disclosure | None:
        """As in LogStore."""

    def read_tile(self, level: int, number: int) -> bytes:
        """As in LogStore."""


class LogTransaction(Protocol):
    """One integration step, alone on all hosts, in one transaction: all of it lasts, or none."""

    def head(self) -> bytes | None:
        """The last published checkpoint note as the log signed it, without cosignatures; None before
        the first.
        """

    def published(self) -> bytes | None:
        """As in LogStore, at this moment."""

    def pending(self, limit: int) -> Sequence[PendingEntry]:
        """The oldest ``limit`` entries without an index, in ticket order."""

    def assign(self, first_index: int, entries: Sequence[PendingEntry]) -> None:
        """Give consecutive indices from ``first_index``. An index is written once, for ever."""

    def read_tile(self, level: int, number: int) -> bytes:
        """The hashes stored so far for that tile (32 bytes each, at most 256); b"" if none."""

    def write_tile(self, level: int, number: int, hashes: bytes) -> None:
        """Extend a tile: ``hashes`` must begin with what is stored, or the write is refused."""

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        """Leaf bytes by index."""


class LogStore(Protocol):
    """The log's tables, seen by ``audit.log``."""

    def integration(self) -> AbstractContextManager[LogTransaction]:
        """Enter the one exclusive integration step; commits at a normal end, else rolls back."""

    def reading(self) -> AbstractContextManager[LogReading]:
        """For what is read together: one transaction, in which nothing changes."""

    def published(self) -> bytes | None:
        """The last published checkpoint note, with its cosignatures."""

    def publish(self, size: int, head: bytes, note: bytes) -> None:
        """Save a signed head, and make ``note``, the same with its cosignatures, public: both or
        neither. Neither goes back to a smaller size.
        """

    def index_of(self, ticket: int) -> int | None:
        """The index given to a ticket, or None while it is pending."""

    def read_tile(self, level: int, number: int) -> bytes:
        """As in LogTransaction, outside of an integration step."""

    def leaves(self, first: int, count: int) -> Sequence[bytes]:
        """Leaf bytes by index, outside of an integration step."""

    def disclosure(self, index: int) -> Disclosure | None:
        """Details and opening of an entry; None when erased or not yet there."""

    def disclosures(self, first: int, count: int) -> Sequence[Disclosure]:
        """Those of a range that still exist, in order."""


class HighWater(Protocol):
    """The last signed checkpoint, kept outside the database so that restoring it is noticed."""

    def read(self) -> bytes | None:
        """The note last written; None on a new installation."""

    def write(self, note: bytes) -> None:
        """Durable when it returns."""


class Cosigner(Protocol):
    """A witness as the log sees it (C2SP tlog-witness ``add-checkpoint``)."""

    @property
    def name(self) -> str:
        """The witness's key name."""

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        """The signature line(s), each ending in a newline; raises WitnessConflict or AuditError."""

    def last_size(self) -> int:
        """The size that this witness last cosigned, as far as is known here (0: none)."""
