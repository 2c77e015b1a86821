"""Figures for the operator's monitoring (Prometheus): how many, how long, and whether all is well.

No label holds anything of a person, a dossier or an address: routes appear as their patterns.
The figures of several workers meet in files of ``PROMETHEUS_MULTIPROC_DIR``, which must be in the
environment before this module is imported (``wiring.metrics`` sees to it).
"""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

UNKNOWN_ROUTE = "none"
"""What fits no pattern: one label value, however many addresses a scanner tries."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
"""Those that a route answers. A client may invent others; each would be a figure kept for good."""

OTHER_METHOD = "other"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Bucket borders: from a cached answer to a slow line's part of 8 MiB."""


class Metrics:
    """The figures of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "dossier_requests",
            "Requests answered, by route pattern, method and status.",
            ("route", "method", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "dossier_request_seconds",
            "Time from the first line of a request to its answer, by route pattern.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.ready = Gauge(
            "dossier_ready",
            "1 where the part answers (database, objects, log, broker), else 0.",
            ("part",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.log_entries = Gauge(
            "dossier_log_entries",
            "Entries under the last published checkpoint.",
            registry=registry,
            multiprocess_mode="max",
        )
        self.swept_at = Gauge(
            "dossier_last_sweep_timestamp_seconds",
            "When ended keys, old uploads and stray objects were last swept.",
            registry=registry,
            multiprocess_mode="max",
        )

    def sweep_ended(self) -> None:
        """A sweep is done now."""
        self.swept_at.set_to_current_time()


def measure_requests(app: Flask, metrics: Metrics) -> None:
    """Count and time each request."""

    @app.before_request
    def begin() -> None:
        g.measured_from = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else UNKNOWN_ROUTE
        method = request.method if request.method in METHODS else OTHER_METHOD
        metrics.requests.labels(route, method, response.status_code).inc()
        began = g.get("measured_from")
        if began is not None:
            metrics.seconds.labels(route).observe(time.perf_counter() - began)
        return response
