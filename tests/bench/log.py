"""The audit log on a real database: durable appends with a signed checkpoint, and their slowing down.

Each append is a transaction of its own, as a business change's is; then the log is integrated and
published. Writers who come at the same moment share one integration (``audit.log``).
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from audit.log import AuditLog
from audit.note import NoteSigner
from audit.ports import NewEntry
from crypto.keys import ServiceSigningSeed
from storage.database import Database, FileHighWater, migrate, open_database
from tests.bench.paired import Figure

ORIGIN = "log.example/mesure"
WRITERS = 64
SECONDS = 10.0
BULK = 4_096
FEW, MANY = 5_000, 200_000
"""Sizes between which appends may not slow down; ``DOSSIER_BENCH_ENTRIES`` takes another MANY."""


@contextmanager
def fresh_log(directory: Path) -> Iterator[tuple[Database, AuditLog]]:
    """A migrated SQLite database and its log, without witnesses."""
    url = f"sqlite:///{directory}/database.sqlite"
    migrate(url)
    database = open_database(url)
    log = AuditLog(
        store=database.log_store,
        high_water=FileHighWater(directory / "high-water"),
        signer=NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom)),
        cosigners=(),
        policy=lambda: None,
        clock=lambda: datetime.now(UTC),
    )
    try:
        yield database, log
    finally:
        database.close()


def event() -> NewEntry:
    details = EventDetails(
        type=EventType.LOGIN_REFUSED,
        at=datetime.now(UTC).replace(microsecond=0),
        cites={},
        facts={"reason": "unknown_key"},
    )
    return new_entry(details, ORIGIN, os.urandom)


def append(database: Database, log: AuditLog, count: int = 1) -> None:
    """``count`` events in one transaction, durable and under a published checkpoint."""
    with database.transactions() as work:
        for _ in range(count):
            work.events.append(event())
        work.commit()
    log.integrate()


def one_by_one(database: Database, log: AuditLog, seconds: float) -> list[float]:
    """How long each of the appends took that fit into ``seconds``."""
    times, end = [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        append(database, log)
        times.append(time.perf_counter() - began)
    return times


def together(database: Database, log: AuditLog, batch: int) -> list[float]:
    """The same by 64 writers at once, ``batch`` events in each transaction."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS

    def write() -> None:
        while (began := time.perf_counter()) < end:
            append(database, log, batch)
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def measure() -> Iterator[Figure]:
    """Appends on SQLite; the growth; the verification of the grown log against Go's."""
    with TemporaryDirectory() as name, fresh_log(Path(name)) as (database, log):
        times = one_by_one(database, log, SECONDS)
        yield rate("append one by one, SQLite", len(times), SECONDS, times)
    for batch in (1, 64):
        with TemporaryDirectory() as name, fresh_log(Path(name)) as (database, log):
            times = together(database, log, batch)
            what = f"{WRITERS} writers, {batch} event(s) a transaction, SQLite"
            yield rate(what, len(times) * batch, SECONDS, times)
    many = int(os.environ.get("DOSSIER_BENCH_ENTRIES", MANY))
    with TemporaryDirectory() as name, fresh_log(Path(name)) as (database, log):
        grow(database, log, FEW)
        small = one_by_one(database, log, SECONDS / 2)
        grow(database, log, many)
        large = one_by_one(database, log, SECONDS / 2)
        ratio = statistics.median(large) / statistics.median(small)
        yield Figure(
            "append at many entries against few",
            f"{many:,} against {FEW:,}: {(ratio - 1) * 100:+.0f} % of time; "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most",
        )
        yield from verification(log, Path(name), many)


def grow(database: Database, log: AuditLog, to: int) -> None:
    size = 0
    while size < to:
        append(database, log, min(BULK, to - size))
        note = log.checkpoint()
        assert note is not None
        size = int(note.split(b"\n")[1])


def rate(what: str, count: int, seconds: float, times: list[float]) -> Figure:
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return Figure(what, f"{count / seconds:,.0f} a second; p50 {p50:.1f} ms, p99 {p99:.1f} ms")


# --- verification ---------------------------------------------------------------------------------


GO = Path(__file__).parents[2] / ".run" / "foreign" / "go-tlog"


def verification(log: AuditLog, directory: Path, entries: int) -> Iterator[Figure]:
    """Structure of the whole log, by our code and by Go's, one process each."""
    from audit.tiles import TILE_WIDTH, bundles_of, tiles_of

    note = log.checkpoint()
    assert note is not None
    size = int(note.split(b"\n")[1])
    root = directory / "files"
    for path in tiles_of(size):
        width = path.width if path.width < TILE_WIDTH else None
        write(root / str(path), log.tile(path.level or 0, path.number, width))
    for path in bundles_of(size):
        width = path.width if path.width < TILE_WIDTH else None
        write(root / str(path), log.entries_tile(path.number, width))
    write(root / "checkpoint", note)
    vkey = str(log._signer.verifier)  # type: ignore[attr-defined]
    ours = seconds_of([sys.executable, "-m", "tests.bench.verify_structure", str(root), vkey])
    text = f"ours {ours:.1f} s"
    if GO.exists():
        theirs = seconds_of([str(GO), "audit", str(root), vkey])
        text += f", Go x/mod {theirs:.1f} s; theirs ÷ ours {theirs / ours:.2f}"
    yield Figure(f"structure of {entries:,} entries verified", text)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def seconds_of(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
