"""The store's lock as the threads of one process share it.

Taking a lock from another process costs more than most operations: somebody has to wake up. So a process
that has it lets its own threads in one after the other, and gives it up when none waits or when it has
had it for long enough. Each operation still runs alone, and reads the store anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from exchange.broker.files import locked

LONGEST_HOLD_SECONDS: Final = 0.015
"""Some five openings: a cosigning in another process waits for no more before it is next."""


class StoreLock:
    """Excludes threads of this process and, by ``files.locked``, other processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._held = ExitStack()
        self._since: float | None = None
        """When this process took the lock; None when it has it not."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """The lock for one operation; raises BrokerBusyError after a while."""
        self._wait_for_turn()
        try:
            if self._since is None:
                self._held.enter_context(locked(self._path))
                self._since = time.monotonic()
            try:
                yield
            finally:
                if not self._waiting or time.monotonic() - self._since > LONGEST_HOLD_SECONDS:
                    self._let_go()
        finally:
            self._turn.release()

    def _wait_for_turn(self) -> None:
        with self._counting:
            self._waiting += 1
        try:
            self._turn.acquire()
        except BaseException:
            self._gave_up()
            raise
        with self._counting:
            self._waiting -= 1

    def _gave_up(self) -> None:
        """The lock may have been kept for a thread that is interrupted: nobody else would let it go."""
        with self._counting:
            self._waiting -= 1
        if self._turn.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._turn.release()

    def _let_go(self) -> None:
        self._since = None
        self._held.close()
