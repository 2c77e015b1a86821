"""A thread of each worker that sweeps now and then: uploads that nobody finished, stray objects."""

from __future__ import annotations

import threading
from typing import Final

from crypto.errors import ExplainedError
from exchange.usecases.sweep import sweep
from exchange.web.journal import journal_failure
from exchange.wiring.service import WiredService

PERIOD_SECONDS: Final = 3_600
"""An hour: uploads live for two days, so nothing waits long."""


class Sweeper:
    """Runs ``sweep`` once a period until it is stopped."""

    def __init__(self, wired: WiredService, period: float = PERIOD_SECONDS) -> None:
        self._wired = wired
        self._period = period
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes after one period."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for a sweep under way."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            try:
                sweep(self._wired.service)
            except ExplainedError as error:
                journal_failure(error)  # the next period tries again
