"""Reading a log's bundles in order, while other processes may check those read before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from itertools import islice
from typing import Final, Protocol

from audit.bundle_check import BundleResult, BundleTask, check_bundles
from audit.tiles import TilePath, bundles_of

BUNDLES_AT_ONCE: Final = 64
"""Bundles that a worker gets together: two megabytes of entries and tiles, some 25 ms of work."""

BATCHES_AHEAD: Final = 4
"""Batches read before the first must be done: both workers of a small machine busy, 8 MiB held."""

WORTH_WORKERS: Final = 32_768
"""Entries from which starting other processes pays."""


class LogReader(Protocol):
    """A copy of a log: a directory, a web address, an archive."""

    def read(self, path: str) -> bytes | None:
        """The file of that tlog-tiles path (``checkpoint``, ``tile/0/000``); None if there is none."""


Checked = tuple[TilePath, BundleTask | None, BundleResult | None]
"""A bundle's path; what was read (None: it is missing), and what it turned out to be."""

_Batch = list[tuple[TilePath, BundleTask | None]]


def checked_bundles(reader: LogReader, size: int, workers: Executor | None) -> Iterator[Checked]:
    """Every bundle of a log of ``size`` entries, in order."""
    paths = bundles_of(size)
    waiting = deque[tuple[_Batch, list[BundleTask], Future[list[BundleResult]] | None]]()
    while batch := [(path, _task(reader, path)) for path in islice(paths, BUNDLES_AT_ONCE)]:
        tasks = [task for _path, task in batch if task is not None]
        if workers is None or size < WORTH_WORKERS:
            yield from _joined(batch, check_bundles(tasks))
            continue
        waiting.append((batch, tasks, _submitted(workers, tasks)))
        if len(waiting) >= BATCHES_AHEAD:
            yield from _awaited(*waiting.popleft())
    for each in waiting:
        yield from _awaited(*each)


def _submitted(workers: Executor, tasks: list[BundleTask]) -> Future[list[BundleResult]] | None:
    try:
        return workers.submit(check_bundles, tasks)
    except BrokenExecutor:
        return None


def _awaited(
    batch: _Batch, tasks: list[BundleTask], future: Future[list[BundleResult]] | None
) -> Iterator[Checked]:
    """What the workers found. If they died (out of memory, say), this process does their work: a
    verification ends with a verdict.
    """
    try:
        results = future.result() if future is not None else check_bundles(tasks)
    except BrokenExecutor:
        results = check_bundles(tasks)
    yield from _joined(batch, results)


def _task(reader: LogReader, path: TilePath) -> BundleTask | None:
    data = reader.read(str(path))
    if data is None:
        return None
    tile = reader.read(str(TilePath(0, path.number, path.width)))
    return BundleTask(data, path.width, tile)


def _joined(batch: _Batch, results: list[BundleResult]) -> Iterator[Checked]:
    done = iter(results)
    for path, task in batch:
        yield path, task, None if task is None else next(done)
