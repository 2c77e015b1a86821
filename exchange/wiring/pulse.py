"""A thread of each worker that looks now and then whether all is well, for the figures."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from audit.checkpoint import Checkpoint
from crypto.errors import ExplainedError
from exchange.web.journal import journal_failure
from exchange.web.readiness import OK, Readiness
from exchange.wiring.service import WiredService

if TYPE_CHECKING:
    from exchange.web.metrics import Metrics

PERIOD_SECONDS: Final = 15.0
"""As often as Prometheus usually comes: a figure is never much older than its reading."""


class Pulse:
    """Runs the probes once a period until it is stopped."""

    def __init__(self, wired: WiredService, readiness: Readiness, metrics: Metrics) -> None:
        self._wired = wired
        self._readiness = readiness
        self._metrics = metrics
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin at once: a worker that cannot answer shows itself in its first figures."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join(1.0)

    def beat(self) -> None:
        """Look once; raises what the log raises when it goes away in the meantime."""
        checks = self._readiness.checks()
        for part, state in checks.items():
            self._metrics.ready.labels(part).set(1 if state == OK else 0)
        if checks.get("database") == OK:
            note = self._wired.log.checkpoint()
            self._metrics.log_entries.set(Checkpoint.of_note(note).size if note else 0)

    def _run(self) -> None:
        self._beat_safely()
        while not self._stopped.wait(PERIOD_SECONDS):
            self._beat_safely()

    def _beat_safely(self) -> None:
        try:
            self.beat()
        except ExplainedError:
            pass  # the next beat will show it: an answer of readiness may be some seconds old
        except Exception as error:  # noqa: BLE001 - a thread that died would leave its last figures for good
            journal_failure(error)
