"""Whether appends slow down as the log grows: to a log of 5,000 entries and to one of a million.

Appends go to the one and to the other in turn, so that a noisy machine disturbs both alike. The logs
are filled by writing events in bulk; the product's own integration orders, reads back and signs them.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Iterator

from sqlalchemy import func, insert, select

from audit.checkpoint import Checkpoint
from audit.log import AuditLog
from storage.database import Database
from storage.database.log_tables import log_disclosures, log_entries
from tests.bench.log import append, event, opened, sqlite
from tests.bench.paired import Figure

FEW, MANY = 5_000, 1_000_000
"""``DOSSIER_BENCH_ENTRIES`` takes another MANY."""

SECONDS = 15.0
BULK = 8_192
KIB_PER_MIB = 1_024


def measure() -> Iterator[Figure]:
    """Appends in turn to a small and a large SQLite log; about a minute."""
    many = int(os.environ.get("DOSSIER_BENCH_ENTRIES", MANY))
    small, large = list[float](), list[float]()
    with opened(sqlite) as (few_database, few_log), opened(sqlite) as (database, log):
        grow(few_database, few_log, FEW)
        began = time.perf_counter()
        grow(database, log, many)
        took = time.perf_counter() - began
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            small.append(seconds_of(few_database, few_log))
            large.append(seconds_of(database, log))
    ratio = statistics.median(large) / statistics.median(small)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB
    yield Figure(
        "append at many entries against few",
        f"{many:,} against {FEW:,}: {(ratio - 1) * 100:+.0f} % of time (medians "
        f"{statistics.median(small) * 1_000:.1f} and {statistics.median(large) * 1_000:.1f} ms)",
    )
    yield Figure("memory of the process that wrote them", f"{peak} MiB at most")
    yield Figure("ordered, read back and signed in bulk", f"{many / took:,.0f} entries a second")


def seconds_of(database: Database, log: AuditLog) -> float:
    """How long one append takes."""
    began = time.perf_counter()
    append(database, log)
    return time.perf_counter() - began


def grow(database: Database, log: AuditLog, to: int) -> None:
    """Fill the log up to ``to`` entries."""
    size = Checkpoint.of_note(log.checkpoint() or log.integrate()).size
    while size < to:
        _insert(database, min(BULK, to - size))
        size = Checkpoint.of_note(log.integrate()).size


def _insert(database: Database, count: int) -> None:
    with database._engine.begin() as connection:
        last = connection.scalar(select(func.max(log_entries.c.ticket))) or 0
        same = event()
        entries = [{"ticket": last + n, "leaf": event().leaf} for n in range(1, count + 1)]
        connection.execute(insert(log_entries), entries)
        shown = {"details": same.details, "opening": same.opening}
        connection.execute(
            insert(log_disclosures), [{"ticket": last + n, **shown} for n in range(1, count + 1)]
        )
