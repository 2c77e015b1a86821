"""Two threads at the cipher, one stream: batches go out in order, in constant memory.

The cipher and the hash release the interpreter's lock, so on two cores a batch is ciphered while
its predecessor is hashed and written. Nothing here knows a key.
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
    """``work`` applied to each batch, on threads; results in the order of the batches."""
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for job in jobs:
                pending.append(pool.submit(work, *job))
                if len(pending) >= WINDOW:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
