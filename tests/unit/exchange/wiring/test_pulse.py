"""Readiness and its figure stay true when what they look at goes away, or takes long to answer."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry

from exchange.web import readiness
from exchange.web.metrics import Metrics, measure_requests
from exchange.web.readiness import OK, UNAVAILABLE, Readiness
from exchange.wiring import pulse
from exchange.wiring.pulse import Pulse
from storage.errors import LogStoreUnavailableError


class Away:
    """A log whose database can go away, and come back."""

    def __init__(self) -> None:
        self.down = False
        self.fault: Exception = LogStoreUnavailableError("La base ne répond pas.")

    def checkpoint(self) -> None:
        if self.down:
            raise self.fault


def waited(until: Any) -> None:
    for _ in range(500):
        if until():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


@pytest.mark.parametrize("fault", [None, ZeroDivisionError()])
def test_the_figure_follows_an_outage(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    """The database goes away just after a probe that found it well: the figure says so at a later beat,
    and that it is back."""
    monkeypatch.setattr(pulse, "PERIOD_SECONDS", 0.01)
    log, registry = Away(), CollectorRegistry()
    log.fault = fault or log.fault
    moments = iter(range(10**6))
    looks = Readiness({"database": log.checkpoint}, lambda: float(next(moments)))
    beating = Pulse(SimpleNamespace(log=log), looks, Metrics(registry))  # type: ignore[arg-type]

    def figure() -> float | None:
        return registry.get_sample_value("dossier_ready", {"part": "database"})

    looks.checks()
    beating.start()
    try:
        waited(lambda: figure() == 1)
        for down, expected in ((True, 0), (False, 1)):
            log.down = down
            waited(lambda wanted=expected: figure() == wanted)
    finally:
        beating.stop()


def test_slow_probes_run_once_and_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """While they run longer than anybody should wait, the others are told that it is not ready; the
    answer counts from the end of the probes."""
    monkeypatch.setattr(readiness, "PROBE_WAIT_SECONDS", 0.02)
    leave, runs, seconds = threading.Event(), [], [0.0]

    def slow() -> None:
        runs.append(1)
        leave.wait(10)
        seconds[0] += 60  # longer than an answer is kept

    looks = Readiness({"objects": slow}, lambda: seconds[0])
    first: list[dict[str, str]] = []
    running = threading.Thread(target=lambda: first.append(looks.checks()))
    running.start()
    waited(lambda: runs)
    assert [looks.checks() for _ in range(3)] == [{"objects": UNAVAILABLE}] * 3
    leave.set()
    running.join(10)
    assert first == [{"objects": OK}]
    assert looks.checks() == {"objects": OK}
    assert len(runs) == 1


def test_invented_methods_make_no_figures() -> None:
    """However many methods a client invents, they are one label."""
    app, registry = Flask(__name__), CollectorRegistry()
    measure_requests(app, Metrics(registry))
    client = app.test_client()
    for number in range(20):
        client.open("/", method=f"INVENTED{number}")
    client.get("/")
    methods = {
        sample.labels["method"]
        for family in registry.collect()
        for sample in family.samples
        if "method" in sample.labels
    }
    assert methods == {"GET", "other"}
