"""The audit log on a real database: durable appends, each under a signed checkpoint when it is done.

Each append goes the product's own way: a unit of work, as a business change's is; then the log is
integrated and published. Who waits for another shares its commit and its publication.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
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
from tests.support.postgres import find_programs, postgres_server

ORIGIN = "log.example/mesure"
WRITERS = 64
SECONDS = 8.0


@contextmanager
def fresh_log(directory: Path, url: str) -> Iterator[tuple[Database, AuditLog]]:
    """A migrated database and its log, without witnesses."""
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
    """Appends on SQLite and on PostgreSQL, one by one and by 64 threads of one process; a minute."""
    with TemporaryDirectory() as name:
        yield Figure("one sync of this disk", f"{sync_ms(Path(name)):.2f} ms (median of 50)")
    yield from appends("SQLite", sqlite)
    programs = find_programs()
    if programs is None:
        yield Figure("PostgreSQL", "not installed")
        return
    with postgres_server(programs) as server:
        yield from appends("PostgreSQL", lambda _folder: server.new_database())


def sqlite(folder: Path) -> str:
    """The address of a database in a folder."""
    return f"sqlite:///{folder}/database.sqlite"


def appends(engine: str, address: Callable[[Path], str]) -> Iterator[Figure]:
    """The three ways of writing, each on a fresh log."""
    with opened(address) as (database, log):
        times = one_by_one(database, log, SECONDS)
        yield rate(f"append one by one, {engine}", len(times), SECONDS, times)
    for batch in (1, 64):
        with opened(address) as (database, log):
            began = time.perf_counter()
            times = together(database, log, batch)
            what = f"{WRITERS} writers, {batch} event(s) a transaction, {engine}"
            yield rate(what, len(times) * batch, time.perf_counter() - began, times)


@contextmanager
def opened(address: Callable[[Path], str]) -> Iterator[tuple[Database, AuditLog]]:
    """A fresh log in a directory of its own."""
    with TemporaryDirectory() as name, fresh_log(Path(name), address(Path(name))) as both:
        yield both


def sync_ms(folder: Path) -> float:
    """What a durable write of one page costs here, in milliseconds."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(4_096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


def rate(what: str, count: int, seconds: float, times: list[float]) -> Figure:
    ordered = sorted(times)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return Figure(what, f"{count / seconds:,.0f} a second; p50 {p50:.1f} ms, p99 {p99:.1f} ms")
