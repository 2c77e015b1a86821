"""Paired rounds: both sides run in turn, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """Medians in seconds, and the median of the per-round ratios theirs ÷ ours (above 1: faster)."""

    name: str
    comparator: str
    ours: float
    theirs: float
    ratio: float
    rounds: int

    def row(self) -> str:
        return (
            f"| {self.name} | {self.comparator} | {self.ours * 1000:.0f} ms "
            f"| {self.theirs * 1000:.0f} ms | {self.ratio:.2f} | {self.rounds} |"
        )


@dataclass(frozen=True)
class Figure:
    """A figure without a comparator in the same row."""

    name: str
    text: str

    def row(self) -> str:
        return f"| {self.name} | – | {self.text} | – | – | – |"


def paired(
    name: str,
    comparator: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    rounds: int,
) -> Result:
    """Run both in turn ``rounds`` times, after one round that is not counted."""
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(rounds + 1)][1:]
    return Result(
        name,
        comparator,
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[1] / pair[0] for pair in pairs),
        rounds,
    )


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
