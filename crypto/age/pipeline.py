"""Two threads at the cipher, one at the source: batches go out in order, in constant memory.

The cipher, the hash and the system's reads and writes release the interpreter's lock, so on two cores
a batch is ciphered and the next one read while its predecessor is written. Nothing here knows a key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from crypto.age.streams import Readable, read_exactly

T = TypeVar("T")

WORKERS: Final = 2
"""Measured: two workers saturate writing; more only take memory."""

WINDOW: Final = 4
"""Batches in flight: both workers busy, one waiting each; with 1 MiB batches about 8 MiB."""


def batches(source: Readable, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """(number, up to ``size`` bytes, whether the stream ends after them); at least one, maybe empty."""
    number, current = 0, read_exactly(source, size)
    while len(current) == size and (following := read_exactly(source, size)):
        yield number, current, False
        number, current = number + 1, following
    yield number, current, True


def in_order(
    jobs: Iterator[tuple[int, bytes, bool]], work: Callable[[int, bytes, bool], T]
) -> Iterator[T]:
    """``work`` applied to each batch, on threads; results in the order of the batches.

    ``jobs`` is advanced on a thread of its own, one batch ahead. A single batch (a key, a header: most
    age files here) needs no thread, and none is started.
    """
    first = next(jobs)
    if first[2]:
        yield work(*first)
        return
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(WORKERS) as pool:
        following = reader.submit(next, jobs, None)
        pending.append(pool.submit(work, *first))
        try:
            while (job := following.result()) is not None:
                following = reader.submit(next, jobs, None)
                pending.append(pool.submit(work, *job))
                if len(pending) >= WINDOW:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            following.cancel()
            for future in pending:
                future.cancel()
