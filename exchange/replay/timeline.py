"""Where the marks of a sitting's timeline lie: one lane a person, time from left to right.

Pure geometry in SVG user units; the page draws it. Releases that would cover each other become one
mark with their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exchange.replay.moments import when
from exchange.replay.report import RefusalRow, ReleaseRow, SittingTable

WIDTH: Final = 920
LABELS: Final = 250
"""Units at the left for the names."""
RIGHT: Final = 24
LANE: Final = 34
TOP: Final = 30
OFFSETS: Final = {"opened": 0.0, "unopened": 0.0, "unlawful": -9.0, "refused": 10.0}
"""Marks of several kinds at one moment lie above each other, with their numbers."""
BUCKET: Final = 14
"""Units: what lies closer together than a mark is wide is one mark."""
MAX_LABEL: Final = 32
"""Characters of a name that fit the labels' width; the table has it whole."""


@dataclass(frozen=True)
class Mark:
    """``kind``: opened, unopened, unlawful or refused."""

    x: float
    y: float
    kind: str
    count: int
    title: str


@dataclass(frozen=True)
class Timeline:
    """``window``: left edge and width of the time in which the sitting gave dossiers out."""

    height: int
    lanes: tuple[tuple[float, str], ...]
    window: tuple[float, float] | None
    ticks: tuple[tuple[float, str, str], ...]
    marks: tuple[Mark, ...]


def timeline(table: SittingTable, refused: Iterable[RefusalRow]) -> Timeline:
    """The timeline of a sitting's releases and refusals."""
    refusals = [each for each in refused if each.sitting == table.sitting]
    rows: list[ReleaseRow | RefusalRow] = [*table.releases, *refusals]
    people = sorted({row.person for row in rows})
    lane = {person: TOP + LANE * n + LANE / 2 for n, person in enumerate(people)}
    scale = _Scale([row.at for row in rows], table)
    heaps: dict[tuple[str, str, int], list[tuple[datetime, str]]] = defaultdict(list)
    for row in table.releases:
        heaps[(row.person, _kind(row), scale.bucket(row.at))].append((row.at, row.dossier))
    for each in refusals:
        heaps[(each.person, "refused", scale.bucket(each.at))].append((each.at, each.dossier))
    return Timeline(
        height=TOP + LANE * len(people) + 40,
        lanes=tuple((y, _short(person)) for person, y in lane.items()),
        window=scale.window(),
        ticks=scale.ticks(),
        marks=tuple(
            Mark(
                scale.x(heap[0][0]),
                lane[person] + OFFSETS[kind],
                kind,
                len(heap),
                _title(person, kind, heap),
            )
            for (person, kind, _bucket), heap in sorted(heaps.items())
        ),
    )


_KINDS: Final = {
    "opened": "remis et ouvert",
    "unopened": "remise autorisée, jamais ouverte",
    "unlawful": "REMISE INTERDITE",
    "refused": "refusé",
}


def _kind(row: ReleaseRow) -> str:
    if row.refusal:
        return "unlawful"
    return "opened" if row.opened else "unopened"


def _title(person: str, kind: str, heap: list[tuple[datetime, str]]) -> str:
    dossiers = ", ".join(dossier for _at, dossier in heap)
    return f"{person}, {when(heap[0][0])} : {_KINDS[kind]} — {dossiers}"


def _short(name: str) -> str:
    return name if len(name) <= MAX_LABEL else name[: MAX_LABEL - 1] + "…"


class _Scale:
    def __init__(self, moments: list[datetime], table: SittingTable) -> None:
        self._table = table
        edges = [each for each in (table.opens_at, table.closes_at) if each]
        first, last = min((*moments, *edges)), max((*moments, *edges))
        margin = max((last - first) / 25, timedelta(minutes=1))
        self._from, self._to = first - margin, last + margin

    def x(self, at: datetime) -> float:
        part = (at - self._from) / (self._to - self._from)
        return round(LABELS + part * (WIDTH - LABELS - RIGHT), 1)

    def bucket(self, at: datetime) -> int:
        return int(self.x(at) // BUCKET)

    def window(self) -> tuple[float, float] | None:
        opens, closes = self._table.opens_at, self._table.closes_at
        if opens is None or closes is None:
            return None
        left = self.x(opens)
        return left, round(self.x(closes) - left, 1)

    def ticks(self) -> tuple[tuple[float, str, str], ...]:
        """(x, words, text-anchor) of opening and closing."""
        opens, closes = self._table.opens_at, self._table.closes_at
        if opens is None or closes is None:
            return ()
        return (
            (self.x(opens), f"ouverture, {when(opens)}", "start"),
            (self.x(closes), f"clôture, {when(closes)}", "end"),
        )
