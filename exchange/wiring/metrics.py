"""Where the figures of all workers are read: one small server in the master process.

The workers write into files of a private directory; nothing is shared between processes otherwise.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flask import Flask

    from exchange.web.metrics import Metrics

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client looks into the environment when it is first imported, and nowhere else."""


class MetricsServer:
    """Make it before the first worker is forked; ``start`` once, in the master."""

    def __init__(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._directory = Path(tempfile.mkdtemp(prefix="dossier-metrics-"))
        os.environ[VARIABLE] = str(self._directory)

    def start(self) -> None:
        """Answer ``GET /metrics`` from a thread of this process."""
        from prometheus_client import CollectorRegistry, start_http_server
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        start_http_server(self._port, self._host, registry)

    def forget(self, pid: int) -> None:
        """A worker ended: its live figures count no longer."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, path=str(self._directory))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self._directory, ignore_errors=True)


def worker_metrics(app: Flask) -> Metrics:
    """The figures of this worker, in the directory that the master made."""
    from prometheus_client import CollectorRegistry

    from exchange.web.metrics import Metrics, measure_requests

    metrics = Metrics(CollectorRegistry())
    measure_requests(app, metrics)
    return metrics
