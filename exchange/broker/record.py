"""The broker's signed record: every key made, header opened, request refused, key destroyed.

``record.jsonl`` only grows; each line is a leaf of an RFC 6962 tree, and ``record.slots`` holds
the note that the broker signed over the tree after the last line. At each start the lines are
hashed again and must give the signed root: a record that was edited or set back is noticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.merkle import EMPTY_ROOT, leaf_hash, node_hash
from audit.note import Note, NoteSigner
from crypto.digests import Digest
from crypto.errors import CryptoError
from crypto.keys import ServiceSigningSeed
from crypto.statements import Unverified, parse
from crypto.statements.custody import Destruction, ReleaseKey
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import LineFile, read_file
from exchange.broker.slots import PAGE_BYTES, SlotFile
from exchange.usecases.broker_record import RecordEntry, RecordKind, record_origin
from exchange.usecases.openings import OPENINGS_TOGETHER

LINES_TOGETHER: Final = OPENINGS_TOGETHER
"""Lines that one flush records, and so what a crash may leave unsigned."""

_NOTE_SLOT_BYTES: Final = PAGE_BYTES
"""A note of one signature: twice an origin of 200 characters, and some 200 bytes more."""


class CompactRange:
    """The roots of the complete subtrees of a growing tree, largest first: all that is needed to
    append to it and to know its root.
    """

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self._roots.append(leaf)
        self.size += 1
        # A tree of ``size`` leaves has one complete subtree a set bit; each carry joins two.
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self._roots.pop()
            self._roots.append(node_hash(self._roots.pop(), right))

    def root(self) -> bytes:
        """The RFC 6962 root."""
        if not self._roots:
            return EMPTY_ROOT
        *rest, computed = self._roots
        for left in reversed(rest):
            computed = node_hash(left, computed)
        return computed


@dataclass(frozen=True)
class MadeKey:
    """A release key that was made, by the statement that announced it."""

    statement: ReleaseKey
    digest: Digest
    envelope: bytes


@dataclass(frozen=True)
class MadeDestruction:
    """A destruction statement that was signed."""

    statement: Destruction
    envelope: bytes


@dataclass(frozen=True)
class Recorded:
    """One thing to record, without its number and time."""

    cites: Mapping[str, Digest]
    facts: Mapping[str, str]
    envelope: bytes | None = None

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What makes two of a kind the same event: repeated, it is not recorded again."""
        merged = {**self.facts, **{role: str(digest) for role, digest in self.cites.items()}}
        return tuple(sorted(merged.items()))


class BrokerRecord:
    """The record and what can be read from it. The caller holds the store's lock."""

    def __init__(self, directory: Path, log_origin: str) -> None:
        self._directory = directory
        self._file = LineFile(directory / "record.jsonl")
        self._checkpoint = SlotFile(directory / "record.slots", _NOTE_SLOT_BYTES)
        self._origin = record_origin(log_origin)
        self._tree = CompactRange()
        self._seen: dict[tuple[RecordKind, tuple[tuple[str, str], ...]], int] = {}
        self.keys: dict[str, MadeKey] = {}
        """Every release key ever made, by deposit."""
        self.destroyed: set[Digest] = set()
        """Release-key statements whose keys were destroyed."""
        self.destructions: list[MadeDestruction] = []
        self.custody: str | None = None
        """How the broker ran last, as recorded."""
        self.refusals: Counter[date] = Counter()
        """How many refusals were recorded, by day (UTC)."""

    def refresh(self, seed: Callable[[], ServiceSigningSeed]) -> None:
        """Take in what other processes recorded, and check it against the signed root.

        ``seed`` is read only if there is something to check.
        """
        lines = self._file.refresh()
        for line in lines:
            self._take(line)
        if lines or not self._tree.size:
            self._reconcile(seed())

    def append(
        self,
        kind: RecordKind,
        at: datetime,
        things: Sequence[Recorded],
        seed: ServiceSigningSeed,
    ) -> None:
        """Record at most LINES_TOGETHER things of a kind durably, with one flush, and sign the new
        root.
        """
        entries = [
            RecordEntry(
                number=number,
                at=at,
                kind=kind,
                cites=dict(each.cites),
                facts=dict(each.facts),
                envelope=each.envelope.decode() if each.envelope is not None else None,
            )
            for number, each in enumerate(things, self._tree.size)
        ]
        assert 0 < len(entries) <= LINES_TOGETHER
        lines = [each.to_line() for each in entries]
        self._file.append(*lines)
        for entry, line in zip(entries, lines, strict=True):
            self._keep(entry, line)
        self._sign(seed)

    def contains(self, kind: RecordKind, thing: Recorded) -> bool:
        """Whether something of ``kind`` with these facts and cites was recorded."""
        return (kind, thing.identity) in self._seen

    def export(self) -> tuple[bytes, bytes]:
        """(lines as a file, signed checkpoint note)."""
        path = self._directory / "record.jsonl"
        entries = read_file(path) if path.exists() else b""
        return entries, self._checkpoint.read()

    def _take(self, line: bytes) -> None:
        try:
            entry = RecordEntry.parse(line)
            if entry.number != self._tree.size:
                raise _altered()
            self._keep(entry, line)
        except (AuditError, CryptoError) as error:
            raise _altered() from error

    def _keep(self, entry: RecordEntry, line: bytes) -> None:
        self._index(entry)
        self._tree.append(leaf_hash(line))

    def _index(self, entry: RecordEntry) -> None:
        self._seen[entry.kind, Recorded(entry.cites, entry.facts).identity] = entry.number
        if entry.kind is RecordKind.CUSTODY:
            self.custody = entry.facts.get("custody")
        if entry.kind is RecordKind.REFUSED:
            self.refusals[entry.at.date()] += 1
        if entry.envelope is None:
            return
        envelope = entry.envelope.encode()
        if entry.kind is RecordKind.KEY_MADE:
            made: Unverified[ReleaseKey] = parse(ReleaseKey, envelope)
            self.keys[made.statement.deposit] = MadeKey(made.statement, made.digest, envelope)
        if entry.kind is RecordKind.DESTROYED:
            destruction = parse(Destruction, envelope).statement
            self.destroyed.update(destruction.release_keys)
            self.destructions.append(MadeDestruction(destruction, envelope))

    def _reconcile(self, seed: ServiceSigningSeed) -> None:
        """Compare with the signed checkpoint; sign what a crash left unsigned: the lines of one
        ``append`` at most, which are of one kind and time.
        """
        if not self._checkpoint.exists():
            if self._tree.size > 1:
                raise _altered()
            self._sign(seed)
            return
        try:
            note = Note.parse(self._checkpoint.read())
            note.verify([NoteSigner(self._origin, seed).verifier])
            signed = Checkpoint.parse(note.text)
        except AuditError as error:
            raise _altered() from error
        if signed.size == self._tree.size and signed.root == self._tree.root():
            return
        if not self._follows(signed):
            raise _altered()
        self._sign(seed)

    def _follows(self, signed: Checkpoint) -> bool:
        """Whether the file is what was signed and the lines of one ``append`` after it."""
        lines = read_file(self._directory / "record.jsonl").split(b"\n")[:-1]
        tree = CompactRange()
        for line in lines[: signed.size]:
            tree.append(leaf_hash(line))
        tail = [RecordEntry.parse(line) for line in lines[signed.size :]]
        return (
            (tree.size, tree.root()) == (signed.size, signed.root)
            and 0 < len(tail) <= LINES_TOGETHER
            and len({(each.kind, each.at) for each in tail}) == 1
        )

    def _sign(self, seed: ServiceSigningSeed) -> None:
        text = Checkpoint(self._origin, self._tree.size, self._tree.root()).to_text()
        note = Note(text, NoteSigner(self._origin, seed).sign(text))
        if self._tree.size > 1 or self._checkpoint.exists():
            self._checkpoint.write(note.to_bytes())
        else:
            self._checkpoint.create(note.to_bytes())


def _altered() -> BrokerStoreError:
    return BrokerStoreError(
        "Le registre du gardien des clés ne correspond plus à sa signature : il a été modifié ou "
        "remis en arrière. Arrêtez le service et prévenez le vérificateur."
    )
