"""Structural verification of a whole log in the tlog-tiles layout, from whoever's copy it is.

Everything is computed again from the entries: leaf hashes, every tile of every level, the root.
What was read is compared with that, so each damaged file is named, and the signed root decides
whether the entries are those that were signed. Findings are collected, never raised: an auditor
needs all of them. What the events *mean* is verified elsewhere, from the details given to
``observe``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from audit.checkpoint import Checkpoint
from audit.entries import check_disclosure, parse_leaf
from audit.errors import AuditError
from audit.events import EventDetails
from audit.merkle import EMPTY_ROOT, leaf_hash, node_hash, root_of
from audit.note import Note
from audit.policy import LogPolicy, VerifiedCheckpoint
from audit.ports import Disclosure
from audit.tiles import TILE_WIDTH, TilePath, bundles_of, parse_bundle

MAX_FINDINGS: Final = 1_000
"""A log that is wrong everywhere is reported as wrong, and not as a report of its own size."""

CHECKPOINT: Final = "checkpoint"
"""Path of the checkpoint (tlog-tiles, "Checkpoints")."""


class LogReader(Protocol):
    """A copy of a log: a directory, a web address, an archive."""

    def read(self, path: str) -> bytes | None:
        """The file of that tlog-tiles path (``checkpoint``, ``tile/0/000``); None if there is none."""


class FindingKind(StrEnum):
    """What is wrong; stable names for machine-readable reports."""

    CHECKPOINT_MISSING = "checkpoint.missing"
    CHECKPOINT_REFUSED = "checkpoint.refused"
    BUNDLE_MISSING = "bundle.missing"
    BUNDLE_MALFORMED = "bundle.malformed"
    ENTRY_MALFORMED = "entry.malformed"
    TILE_MISSING = "tile.missing"
    TILE_DIFFERS = "tile.differs"
    ROOT_DIFFERS = "root.differs"
    DISCLOSURE_FALSE = "disclosure.false"
    DISCLOSURE_STRAY = "disclosure.stray"
    INCOMPLETE_REPORT = "report.incomplete"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``message`` is a French template, as in ExplainedError."""

    kind: FindingKind
    message: str
    where: str
    """A path, or an entry's index."""
    reason: str = ""

    def __str__(self) -> str:
        return self.message.format(where=self.where, reason=self.reason)


@dataclass(frozen=True)
class LogReport:
    """The verdict on a log's structure; ``ok`` when nothing at all is wrong."""

    checkpoint: VerifiedCheckpoint | None
    """None when signatures or quorum did not hold: then nothing below can be relied on."""
    size: int
    disclosed: int
    """Entries whose details were shown and are those committed to."""
    undisclosed: tuple[tuple[int, int], ...]
    """Ranges (first, last) without details: erased by rule, or withheld. The caller tells which."""
    independent_witnesses: tuple[str, ...]
    """Witnesses beside the broker that cosigned; empty deserves a sentence in the verdict."""
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return self.checkpoint is not None and not self.findings


def verify_log(
    reader: LogReader,
    policy: LogPolicy,
    disclosures: Iterable[Disclosure] = (),
    observe: Callable[[int, EventDetails], None] | None = None,
) -> LogReport:
    """Verify every file of a log and every disclosure of its entries.

    ``disclosures`` come in order of their index. ``observe`` gets the details of each entry that
    holds; what it gathers counts only if the report is ``ok``.
    """
    findings = _Findings()
    claimed, verified = _checkpoint(reader, policy, findings)
    if claimed is None:
        return LogReport(None, 0, 0, (), (), findings.all())
    check = _DisclosureCheck(policy.origin, iter(disclosures), findings, observe)
    tree = _TreeCheck(reader, findings)
    complete = True
    for bundle in bundles_of(claimed.size):
        entries = _bundle(reader, bundle, findings)
        if entries is None:
            complete = False  # later positions are unknown: the tree cannot be computed past here
            break
        tree.add(entries)
        check.entries(bundle.number * TILE_WIDTH, entries)
    if complete and tree.finish() != claimed.root:
        findings.add(
            FindingKind.ROOT_DIFFERS,
            "Les entrées ne donnent pas la racine signée ({where}) : elles ont été modifiées après "
            "la signature.",
            CHECKPOINT,
        )
    check.finish(claimed.size)
    cosigned = verified.cosigned if verified else {}
    independent = tuple(name for name in policy.independent_witnesses if name in cosigned)
    return LogReport(
        verified, claimed.size, check.disclosed, check.undisclosed(), independent, findings.all()
    )


def _checkpoint(
    reader: LogReader, policy: LogPolicy, findings: _Findings
) -> tuple[Checkpoint | None, VerifiedCheckpoint | None]:
    """What the checkpoint claims, and the claim verified; the rest is examined in any case."""
    note = reader.read(CHECKPOINT)
    if note is None:
        findings.add(
            FindingKind.CHECKPOINT_MISSING, "Le point de contrôle du journal manque.", CHECKPOINT
        )
        return None, None
    try:
        verified = policy.verify_checkpoint(note)
    except AuditError as error:
        findings.add(
            FindingKind.CHECKPOINT_REFUSED,
            "Le point de contrôle n'est pas acceptable. {reason}",
            CHECKPOINT,
            str(error),
        )
        return _claimed(note), None
    return verified.checkpoint, verified


def _claimed(note: bytes) -> Checkpoint | None:
    try:
        return Checkpoint.parse(Note.parse(note).text)
    except AuditError:
        return None


def _bundle(reader: LogReader, path: TilePath, findings: _Findings) -> tuple[bytes, ...] | None:
    data = reader.read(str(path))
    if data is None:
        findings.add(FindingKind.BUNDLE_MISSING, "Le lot d'entrées {where} manque.", str(path))
        return None
    try:
        return parse_bundle(data, path.width)
    except AuditError as error:
        findings.add(
            FindingKind.BUNDLE_MALFORMED,
            "Le lot d'entrées {where} n'est pas lisible. {reason}",
            str(path),
            str(error),
        )
        return None


class _Findings:
    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._more = False

    def add(self, kind: FindingKind, message: str, where: str, reason: str = "") -> None:
        if len(self._found) < MAX_FINDINGS:
            self._found.append(Finding(kind, message, where, reason))
        else:
            self._more = True

    def all(self) -> tuple[Finding, ...]:
        if not self._more:
            return tuple(self._found)
        message = "Seuls les {where} premiers constats sont listés : il y en a davantage."
        last = Finding(FindingKind.INCOMPLETE_REPORT, message, str(MAX_FINDINGS))
        return (*self._found, last)


class _TreeCheck:
    """Hashes entries into tiles and compares each with the file; 256 hashes a level in memory."""

    def __init__(self, reader: LogReader, findings: _Findings) -> None:
        self._reader = reader
        self._findings = findings
        self._rows: list[list[bytes]] = []
        self._done: list[int] = []

    def add(self, entries: tuple[bytes, ...]) -> None:
        for entry in entries:
            self._push(0, leaf_hash(entry))

    def finish(self) -> bytes:
        """Compare the partial tiles; the root of all that was added."""
        root: bytes | None = None
        for level, row in enumerate(self._rows):
            if not row:
                continue
            self._compare(level, row)
            part = root_of(row)
            # A partial tile's hashes stand left of everything that lies below it.
            root = part if root is None else _joined(row, root)
        return root or EMPTY_ROOT

    def _push(self, level: int, computed: bytes) -> None:
        if level == len(self._rows):
            self._rows.append([])
            self._done.append(0)
        row = self._rows[level]
        row.append(computed)
        if len(row) == TILE_WIDTH:
            self._compare(level, row)
            self._done[level] += 1
            self._rows[level] = []
            self._push(level + 1, root_of(row))

    def _compare(self, level: int, row: list[bytes]) -> None:
        path = str(TilePath(level, self._done[level], len(row)))
        stored = self._reader.read(path)
        if stored is None:
            self._findings.add(FindingKind.TILE_MISSING, "La tuile {where} manque.", path)
        elif stored != b"".join(row):
            self._findings.add(
                FindingKind.TILE_DIFFERS,
                "La tuile {where} ne correspond pas aux entrées qu'elle résume.",
                path,
            )


def _joined(row: list[bytes], right: bytes) -> bytes:
    """The root of complete subtrees ``row`` followed by a smaller subtree ``right``.

    RFC 6962 splits at powers of two from the left: fold each complete power of two of the row,
    the last and smallest first, onto what lies to its right.
    """
    end, computed = len(row), right
    while end:
        width = end & -end
        computed = node_hash(root_of(row[end - width : end]), computed)
        end -= width
    return computed


class _DisclosureCheck:
    """Walks entries and disclosures side by side, both in order of index."""

    def __init__(
        self,
        origin: str,
        disclosures: Iterator[Disclosure],
        findings: _Findings,
        observe: Callable[[int, EventDetails], None] | None,
    ) -> None:
        self._origin = origin
        self._disclosures = disclosures
        self._next = next(disclosures, None)
        self._findings = findings
        self._observe = observe
        self._missing: list[tuple[int, int]] = []
        self.disclosed = 0

    def entries(self, first: int, entries: tuple[bytes, ...]) -> None:
        for index, leaf in enumerate(entries, start=first):
            try:
                parse_leaf(leaf)
            except AuditError as error:
                self._add(FindingKind.ENTRY_MALFORMED, "Entrée n° {where} : {reason}", index, error)
            self._entry(index, leaf)

    def finish(self, size: int) -> None:
        """Whatever is left belongs to no entry of this log."""
        while self._next is not None:
            self._stray(size)

    def undisclosed(self) -> tuple[tuple[int, int], ...]:
        return tuple(self._missing)

    def _entry(self, index: int, leaf: bytes) -> None:
        while self._next is not None and self._next.index < index:
            self._stray(index)
        if self._next is None or self._next.index > index:
            self._miss(index)
            return
        disclosure, self._next = self._next, next(self._disclosures, None)
        try:
            details = check_disclosure(leaf, self._origin, disclosure)
        except AuditError as error:
            self._add(FindingKind.DISCLOSURE_FALSE, "Événement n° {where} : {reason}", index, error)
            return
        self.disclosed += 1
        if self._observe is not None:
            self._observe(index, details)

    def _stray(self, expected: int) -> None:
        if self._next is not None:
            self._findings.add(
                FindingKind.DISCLOSURE_STRAY,
                "Le détail n° {where} est en double, hors d'ordre ou hors du journal.",
                str(self._next.index),
                f"{expected}",
            )
        self._next = next(self._disclosures, None)

    def _miss(self, index: int) -> None:
        if self._missing and self._missing[-1][1] == index - 1:
            self._missing[-1] = (self._missing[-1][0], index)
        else:
            self._missing.append((index, index))

    def _add(self, kind: FindingKind, message: str, index: int, error: AuditError) -> None:
        self._findings.add(kind, message, str(index), str(error))
