"""Structural verification of a whole log in the tlog-tiles layout, from whoever's copy it is.

Everything is computed again from the entries: leaf hashes, every tile of every level, the root.
What was read is compared with that, so each damaged file is named, and the signed root decides
whether the entries are those that were signed. Findings are collected, never raised: an auditor
needs all of them. What the events *mean* is verified elsewhere, from the details given to
``observe``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from audit.bundle_check import BundleResult, BundleTask
from audit.bundle_reading import LogReader, checked_bundles
from audit.checkpoint import Checkpoint
from audit.entries import check_disclosure
from audit.errors import AuditError
from audit.events import EventDetails
from audit.merkle import EMPTY_ROOT, node_hash, root_of
from audit.note import Note
from audit.policy import LogPolicy, VerifiedCheckpoint
from audit.ports import Disclosure
from audit.tiles import TILE_WIDTH, TilePath, parse_bundle

MAX_FINDINGS: Final = 1_000
"""A log that is wrong everywhere is reported as wrong, and not as a report of its own size."""

CHECKPOINT: Final = "checkpoint"
"""Path of the checkpoint (tlog-tiles, "Checkpoints")."""


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
    workers: Executor | None = None,
) -> LogReport:
    """Verify every file of a log and every disclosure of its entries.

    ``disclosures`` come in order of their index. ``observe`` gets the details of each entry that
    holds; what it gathers counts only if the report is ``ok``. ``workers`` (processes) hash the
    bundles of a large log.
    """
    findings = _Findings()
    claimed, verified = _checkpoint(reader, policy, findings)
    if claimed is None:
        return LogReport(None, 0, 0, (), (), findings.all())
    check = _DisclosureCheck(policy.origin, iter(disclosures), findings, observe)
    tree = _TreeCheck(reader, findings)
    complete = True
    for bundle, task, result in checked_bundles(reader, claimed.size, workers):
        if task is None or result is None or result.unreadable is not None:
            _add_unreadable(findings, bundle, result)
            complete = False  # later positions are unknown: the tree cannot be computed past here
            break
        tree.add(bundle, task, result)
        check.bundle(bundle.number * TILE_WIDTH, task, result)
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


def _add_unreadable(findings: _Findings, path: TilePath, result: BundleResult | None) -> None:
    if result is None:
        findings.add(FindingKind.BUNDLE_MISSING, "Le lot d'entrées {where} manque.", str(path))
        return
    findings.add(
        FindingKind.BUNDLE_MALFORMED,
        "Le lot d'entrées {where} n'est pas lisible. {reason}",
        str(path),
        result.unreadable or "",
    )


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
        self._rows: list[list[bytes]] = [[]]
        self._done = [0]
        self._last: list[bytes] = []

    def add(self, bundle: TilePath, task: BundleTask, result: BundleResult) -> None:
        """The next bundle's leaves."""
        if not result.same_tile:
            self._differs(str(TilePath(0, bundle.number, bundle.width)), task.tile)
        if bundle.width == TILE_WIDTH:
            self._push(1, result.root)
        else:
            self._last = list(result.hashes)

    def finish(self) -> bytes:
        """Compare the partial tiles; the root of all that was added."""
        root = root_of(self._last) if self._last else None
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
        if stored != b"".join(row):
            self._differs(path, stored)

    def _differs(self, path: str, stored: bytes | None) -> None:
        if stored is None:
            self._findings.add(FindingKind.TILE_MISSING, "La tuile {where} manque.", path)
        else:
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

    def bundle(self, first: int, task: BundleTask, result: BundleResult) -> None:
        for position, reason in result.malformed:
            self._add(
                FindingKind.ENTRY_MALFORMED,
                "Entrée n° {where} : {reason}",
                first + position,
                reason,
            )
        end = first + task.width
        if self._next is None or self._next.index >= end:
            self._miss(first, end - 1)
            return
        for index, leaf in enumerate(parse_bundle(task.data, task.width), start=first):
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
            self._miss(index, index)
            return
        disclosure, self._next = self._next, next(self._disclosures, None)
        try:
            details = check_disclosure(leaf, self._origin, disclosure)
        except AuditError as error:
            self._add(
                FindingKind.DISCLOSURE_FALSE, "Événement n° {where} : {reason}", index, str(error)
            )
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

    def _miss(self, first: int, last: int) -> None:
        if self._missing and self._missing[-1][1] == first - 1:
            self._missing[-1] = (self._missing[-1][0], last)
        else:
            self._missing.append((first, last))

    def _add(self, kind: FindingKind, message: str, index: int, reason: str) -> None:
        self._findings.add(kind, message, str(index), reason)
