"""Callers who come at the same moment share one piece of work.

Publishing the log costs several syncs to disk, whatever the number of events. With many writers in
one process, one of them does it for all who wait; whoever comes later is in the next round.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from audit.errors import AuditError

T = TypeVar("T")


class SharedRun(Generic[T]):
    """``run()`` returns the result of a run that *began* after the call, by this thread or another.

    So what a caller committed before calling is seen by the run whose result it gets. At most one
    run goes on at a time, and one group waits for the next.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._guard = Lock()
        self._turn = Lock()
        self._gathering: Future[T] | None = None

    def run(self) -> T:
        """The result; raises the AuditError that the run ended with. After any other exception,
        which is its own thread's affair (an interrupt), the others try for themselves.
        """
        while True:
            group, leads = self._joined()
            if leads:
                return self._lead(group)
            if (error := group.exception()) is None or isinstance(error, AuditError):
                return group.result()

    def _joined(self) -> tuple[Future[T], bool]:
        with self._guard:
            if self._gathering is not None:
                return self._gathering, False
            self._gathering = Future()
            return self._gathering, True

    def _lead(self, group: Future[T]) -> T:
        try:
            with self._turn:
                with self._guard:
                    self._gathering = None  # whoever comes from here on is in the next group
                result = self._work()
        except BaseException as error:
            self._forget(group)
            group.set_exception(error)
            raise
        group.set_result(result)
        return result

    def _forget(self, group: Future[T]) -> None:
        """Nobody may join a group that failed while it still waited for its turn."""
        with self._guard:
            if self._gathering is group:
                self._gathering = None
