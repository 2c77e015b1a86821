"""A worker that begins while the database is away: it answers, says so, and tries again.

A worker that ended instead would be started anew in a loop, and meanwhile nobody would take the
connections that clients make: they would hang until their time limit.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from crypto.errors import ExplainedError
from exchange.usecases.errors import UnavailableError
from exchange.web.journal import journal_failure
from exchange.web.problems import LABELS, PROBLEM_JSON, TYPE_PREFIX

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PAUSE_SECONDS: Final = 1.0
"""Between two attempts, however many requests come."""

ALIVE: Final = "/healthz"
"""The process is alive, whatever is away: restarting it would help nobody."""


class LateStart:
    """A WSGI application that becomes the one that ``make`` returns, once that succeeds."""

    def __init__(
        self, make: Callable[[], WSGIApplication], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._monotonic = monotonic
        self._made: WSGIApplication | None = None
        self._lock = threading.Lock()
        self._next = 0.0

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer by the real application, or that there is none yet."""
        made = self.attempt()
        if made is not None:
            return made(environ, start)
        headers = [("Content-Type", PROBLEM_JSON), ("Cache-Control", "no-store")]
        if environ.get("PATH_INFO") == ALIVE:
            start("200 OK", [("Content-Type", "application/json"), *headers[1:]])
            return [b'{"status":"ok","checks":{}}']
        start("503 Service Unavailable", [*headers, ("Retry-After", str(int(PAUSE_SECONDS)))])
        return [_problem()]

    def begin(self) -> None:
        """Make it now; raises what hinders that."""
        self._made = self._make()

    def attempt(self) -> WSGIApplication | None:
        """The application, made now if a pause has passed since the last attempt.

        Whatever else is wrong by then (a schema of another version) is journalled, attempt by attempt.
        """
        if self._made is None and self._lock.acquire(blocking=False):
            try:
                self._once_a_pause()
            finally:
                self._lock.release()
        return self._made

    def _once_a_pause(self) -> None:
        if self._made is not None or self._monotonic() < self._next:
            return  # another thread was faster
        try:
            self.begin()
        except ExplainedError as error:
            journal_failure(error)
            self._next = self._monotonic() + PAUSE_SECONDS


def _problem() -> bytes:
    problem = {
        "type": TYPE_PREFIX + UnavailableError.code,
        "title": LABELS[503],
        "status": 503,
        "detail": "Le service attend sa base de données. Réessayez dans un instant.",
    }
    return json.dumps(problem).encode()
