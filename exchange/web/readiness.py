"""Whether this process could answer a real request now, said truthfully and without detail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from crypto.errors import ExplainedError
from exchange.usecases.service import Service
from exchange.web.journal import journal_failure

Probe = Callable[[], object]
"""Does a little of what requests need; raises when it cannot."""

PROBE_LIFETIME_SECONDS: Final = 5.0
"""How long an answer is kept: the route is anonymous, and a probe takes the log's lock."""

PROBE_WAIT_SECONDS: Final = 1.0
"""How long one caller waits for another's probes: probes that take longer say enough, and every caller
would hold a thread that other requests need."""

OK: Final = "ok"
UNAVAILABLE: Final = "unavailable"


class Readiness:
    """Runs the probes, at most once in each PROBE_LIFETIME_SECONDS of this process."""

    def __init__(self, probes: Mapping[str, Probe], seconds: Callable[[], float]) -> None:
        self._probes = dict(probes)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._last: tuple[float, dict[str, str]] | None = None

    def checks(self) -> dict[str, str]:
        """For each part ``ok`` or ``unavailable``."""
        if not self._lock.acquire(timeout=PROBE_WAIT_SECONDS):
            return dict.fromkeys(self._probes, UNAVAILABLE)
        try:
            if self._last is None or self._seconds() - self._last[0] >= PROBE_LIFETIME_SECONDS:
                checks = {name: _run(probe) for name, probe in self._probes.items()}
                # Kept from their end on: slow probes would be out of date when they are done.
                self._last = self._seconds(), checks
            return self._last[1]
        finally:
            self._lock.release()


def service_probes(service: Service) -> dict[str, Probe]:
    """Database, objects and log, by the service's own ports."""

    def objects() -> object:
        return next(iter(service.objects.names()), None)

    def log() -> object:
        # Before the first trust policy there is no log yet, and nothing that could fail.
        return service.log.checkpoint() and service.log.integrate()

    return {"database": service.log_store.published, "objects": objects, "log": log}


def _run(probe: Probe) -> str:
    try:
        probe()
    except ExplainedError:
        return UNAVAILABLE
    except Exception as error:  # noqa: BLE001 - whatever it is, this process is not ready
        journal_failure(error)
        return UNAVAILABLE
    return OK
