"""A wall clock that a test sets, for real processes: the monotonic clock goes on, as on a real host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.separate_broker import FAKETIME

SLEEP = """
import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds)
"""
"""libfaketime, told to leave the monotonic clock alone, breaks ``clock_nanosleep`` on it (EINVAL)."""


@dataclass(frozen=True)
class HostClock:
    """Kept in ``folder``, which is made here."""

    folder: Path
    cached: bool = False
    """Whether it is read once and never again: that costs less, for measurements."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "sitecustomize.py").write_text(SLEEP)
        self.steps(0)

    def steps(self, seconds: int) -> None:
        """Set it, from the true time."""
        new = self.folder / "clock.new"
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.folder / "clock")

    def prefix(self) -> tuple[str, ...]:
        """The command that runs another under this clock."""
        reading = "FAKETIME_CACHE_DURATION=3600" if self.cached else "FAKETIME_NO_CACHE=1"
        return (
            *("env", f"LD_PRELOAD={FAKETIME}", "NO_FAKE_STAT=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"),
            *(f"FAKETIME_TIMESTAMP_FILE={self.folder / 'clock'}", reading),
            f"PYTHONPATH={self.folder}",
        )
