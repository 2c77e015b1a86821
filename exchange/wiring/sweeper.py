"""A thread of each worker that sweeps now and then: keys that are due, uploads that nobody finished.

With it the embedded service needs no scheduler; ``dossier purge --due`` does the same at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from exchange.usecases.sweep import sweep
from exchange.web.journal import journal_failure
from exchange.wiring.service import WiredService

PERIOD_SECONDS: Final = 900
"""A quarter of an hour: keys that end 24 hours after a sitting end soon after that, and an act that a
crash cut short is completed before anybody asks."""

STOP_SECONDS: Final = 5.0
"""How long a stopping worker waits for a sweep under way; it may be cut anywhere and begun again."""


class Sweeper:
    """Runs ``sweep`` once a period until it is stopped."""

    def __init__(
        self,
        wired: WiredService,
        period: float = PERIOD_SECONDS,
        swept: Callable[[], object] | None = None,
    ) -> None:
        self._wired = wired
        self._period = period
        self._swept = swept
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes after one period."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait a little for a sweep under way."""
        self._stopped.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.wait(self._period):
            try:
                sweep(self._wired.service)
                if self._swept is not None:
                    self._swept()
            except Exception as error:  # noqa: BLE001 - the next period tries again, whatever it was
                journal_failure(error)
