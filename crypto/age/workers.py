"""Workers that each take a batch, cipher it, and deliver it when its turn comes.

The cipher, the hash and the system's reads and writes release the interpreter's lock, so two workers
fill two cores. Each keeps its buffers for the whole stream: memory is constant, and no page is asked
of the system twice. Nothing here knows a key.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Lock
from typing import Final, Protocol

from crypto.age.streams import Readable, fill

WORKERS: Final = 2
"""The caller's thread and one more; measured on two cores, a third only waits."""


@dataclass(frozen=True)
class Batch:
    """The ``number``-th batch of a stream; ``data`` is the worker's until it is given back."""

    number: int
    data: memoryview
    last: bool


class Stage(Protocol):
    """What one worker does with each batch; it keeps its result in a buffer of its own."""

    def cipher(self, batch: Batch, /) -> None:
        """Beside the other workers, in any order."""

    def in_turn(self) -> None:
        """Alone, in the order of the batches."""

    def afterwards(self) -> None:
        """Beside the other workers again."""


class _StoppedError(Exception):
    """Another worker failed; never leaves this module."""


class _Turns:
    """Whose turn it is to deliver."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._next = 0
        self._over = False

    def wait(self, number: int) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._over or self._next == number)
            if self._over:
                raise _StoppedError

    def pass_on(self) -> None:
        with self._condition:
            self._next += 1
            self._condition.notify_all()

    def stop(self) -> None:
        with self._condition:
            self._over = True
            self._condition.notify_all()


class _Intake:
    """The batches of a stream, read in order, one ahead: so each is known to be the last or not."""

    def __init__(self, source: Readable, size: int) -> None:
        self._source = source
        self._size = size
        self._lock = Lock()
        self._buffers: list[memoryview] = []
        self._number = 0
        self._ahead: memoryview | None = self._read()
        if len(self._ahead) == size:
            self._buffers += [memoryview(bytearray(size)) for _ in range(WORKERS)]

    @property
    def is_short(self) -> bool:
        """Whether one batch, not even full, is all there is."""
        return self._number == 0 and self._ahead is not None and len(self._ahead) < self._size

    def take(self) -> Batch | None:
        """The next batch (the first may be empty); None after the last."""
        with self._lock:
            current = self._ahead
            if current is None:
                return None
            following = self._read() if len(current) == self._size else None
            self._ahead = following or None
            self._number += 1
            return Batch(self._number - 1, current, last=not following)

    def give_back(self, batch: Batch) -> None:
        """Its buffer may be filled again."""
        with self._lock:
            self._buffers.append(memoryview(batch.data.obj))

    def _read(self) -> memoryview:
        # Each worker holds at most one buffer and one is ahead: here at least one is free.
        buffer = self._buffers.pop() if self._buffers else memoryview(bytearray(self._size))
        return buffer[: fill(self._source, buffer)]


def run_stages(source: Readable, size: int, stage: Callable[[], Stage]) -> None:
    """Give every ``size`` bytes of ``source`` to a stage; the first error of any worker is raised.

    A single short batch (a key, a header: most age files here) needs no thread, and none is started.
    """
    intake, turns = _Intake(source, size), _Turns()
    if intake.is_short:
        _labour(intake, turns, stage())
        return
    with ThreadPoolExecutor(WORKERS - 1) as pool:
        others = [pool.submit(_labour, intake, turns, stage()) for _ in range(WORKERS - 1)]
        with suppress(_StoppedError):  # the worker that failed says why, below
            _labour(intake, turns, stage())
        for other in others:
            other.result()


def _labour(intake: _Intake, turns: _Turns, stage: Stage) -> None:
    try:
        while (batch := intake.take()) is not None:
            stage.cipher(batch)
            turns.wait(batch.number)
            stage.in_turn()
            turns.pass_on()
            stage.afterwards()
            intake.give_back(batch)
    except BaseException:
        turns.stop()
        raise
