"""Who may write next, among the threads of this process: first come, first served.

The database has the last word between processes (``BEGIN IMMEDIATE``, advisory locks). But SQLite's
waiters ask again after a pause, and sixty-four of them spend their time pausing. Threads of one
process wait here instead, in order, and are woken when it is their turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sqlalchemy import Engine

from storage.database.errors import Waited

SECONDS: Final = 1_000
"""Milliseconds."""


class _Waiter:
    def __init__(self, kind: Hashable) -> None:
        self.kind = kind
        self.granted = Lock()
        self.granted.acquire()


class Turns:
    """One turn, handed from thread to thread. ``kind`` says what a waiter wants it for."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._queue: deque[_Waiter] = deque()

    def take(
        self, kind: Hashable, timeout_ms: int, unused: Callable[[], None] | None = None
    ) -> None:
        """Wait for the turn; raises Waited. ``unused``: what to do with it (else it is given back) when
        it was granted to a thread that was interrupted at that moment.
        """
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            waiter = _Waiter(kind)
            self._queue.append(waiter)
        try:
            if waiter.granted.acquire(timeout=timeout_ms / SECONDS):
                return
        except BaseException:
            if not self._withdraw(waiter):
                (unused or self.give_back)()
            raise
        if self._withdraw(waiter):
            raise Waited("another thread of this process keeps the turn to write")

    def give_back(self) -> None:
        """The next waiter's turn, or nobody's."""
        with self._guard:
            if self._queue:
                self._queue.popleft().granted.release()
            else:
                self._taken = False

    def hand_on(self, kind: Hashable) -> bool:
        """Give the turn to the next waiter if it wants it for ``kind``; whether it did."""
        with self._guard:
            if not self._queue or self._queue[0].kind != kind:
                return False
            self._queue.popleft().granted.release()
            return True

    @contextmanager
    def turn(self, kind: Hashable, timeout_ms: int) -> Iterator[None]:
        """The turn, given back at the end; raises Waited."""
        self.take(kind, timeout_ms)
        try:
            yield
        finally:
            self.give_back()

    def _withdraw(self, waiter: _Waiter) -> bool:
        """Leave the queue; False when the turn was granted at this very moment."""
        with self._guard:
            try:
                self._queue.remove(waiter)
            except ValueError:
                return False
            return True


@dataclass(frozen=True)
class WritingTurns:
    """The turns of the three kinds of writing transaction on one engine."""

    work: Turns
    integrate: Turns
    publish: Turns

    @classmethod
    def on(cls, engine: Engine) -> WritingTurns:
        """SQLite has one writer altogether; on PostgreSQL each kind has its own lock."""
        if engine.dialect.name == "sqlite":
            shared = Turns()
            return cls(shared, shared, shared)
        return cls(Turns(), Turns(), Turns())
