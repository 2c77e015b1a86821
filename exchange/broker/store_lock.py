"""The store's lock as the threads of one process share it.

Taking a lock from another process costs more than most operations: somebody has to wake up. So a process
that has it lets its own threads in one after the other, and gives it up when none waits or when it has
had it for long enough. Each operation still runs alone, and reads the store anew.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from exchange.broker import files
from exchange.broker.files import busy, locked

LONGEST_HOLD_SECONDS: Final = 0.015
"""Some five openings: a cosigning in another process waits for no more before it is next."""


class _Ticket:
    """One thread's place in the queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, deadline: float) -> None:
        """Until it is called; raises BrokerBusyError at the deadline."""
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise busy()

    def call(self) -> None:
        """It is this thread's turn."""
        self._lock.release()


class StoreLock:
    """Excludes threads of this process, who come in the order in which they asked, and, by
    ``files.locked``, other processes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        """Held for the moments in which the fields below change."""
        self._busy = False
        self._queue: deque[_Ticket] = deque()
        self._held = ExitStack()
        self._since: float | None = None
        """When this process took the lock; None when it has it not."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """The lock for one operation; raises BrokerBusyError after ``files.LOCK_SECONDS``, whoever it
        was that was waited for.
        """
        deadline = time.monotonic() + files.LOCK_SECONDS
        self._wait_for_turn(deadline)
        try:
            if self._since is None:
                self._held.enter_context(locked(self._path, deadline))
                self._since = time.monotonic()
            yield
        finally:
            self._pass_on()

    def _wait_for_turn(self, deadline: float) -> None:
        with self._mutex:
            if not self._busy:
                self._busy = True
                return
            ticket = _Ticket()
            self._queue.append(ticket)
        try:
            ticket.wait(deadline)
        except BaseException:
            with self._mutex:
                called = ticket not in self._queue
                if not called:
                    self._queue.remove(ticket)
            if called:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """To the thread that waits longest, with the lock unless this process has had it for long."""
        with self._mutex:
            over = self._since is None or time.monotonic() - self._since > LONGEST_HOLD_SECONDS
            if over or not self._queue:
                self._since = None
                self._held.close()
            if self._queue:
                self._queue.popleft().call()
            else:
                self._busy = False
