"""Prometheus reads the figures of all workers on a port of their own, and they name nobody."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from exchange.demo.service_process import free_port
from tests.support.small_commission import (
    DOCTOR,
    SmallCommission,
    small_commission,
    wait_until,
)

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def commission(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    with small_commission(tmp_path_factory.mktemp("metrics") / "commission") as made:
        yield made


@pytest.fixture(scope="module")
def figures(commission: SmallCommission) -> str:
    """The address of the figures, after a restart with them on."""
    assert commission.service is not None
    commission.service.stop()
    address = f"127.0.0.1:{free_port()}"
    with commission.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(f'\nmetrics_listen = "{address}"\n')
    commission.restart()
    return f"http://{address}/metrics"


def read(address: str) -> str:
    return urllib3.request("GET", address, timeout=5).data.decode()


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not among\n{text}"
    return float(found[1])


def test_requests_are_counted_by_pattern(commission: SmallCommission, figures: str) -> None:
    """Requests of both workers add up under their route's pattern."""
    name = 'dossier_requests_total{method="GET",route="/healthz",status="200"}'
    wait_until(lambda: name in read(figures))
    before = value(read(figures), name)
    for _ in range(20):
        urllib3.request("GET", f"{commission.url}/healthz", timeout=5)
    assert value(read(figures), name) == before + 20


def test_parts_and_log_are_watched(commission: SmallCommission, figures: str) -> None:
    """Each part of the service has its figure, and the log its size."""
    wait_until(lambda: 'dossier_ready{part="broker"' in read(figures))
    text = read(figures)
    for part in ("database", "objects", "log", "broker"):
        assert value(text, f'dossier_ready{{part="{part}"}}') == 1
    assert value(text, "dossier_log_entries") > 10


def test_figures_name_nobody(commission: SmallCommission, figures: str) -> None:
    """Neither ids, references nor what a scanner typed becomes a label."""
    commission.people[DOCTOR.key].does("sittings")
    urllib3.request("GET", f"{commission.url}/secret-du-passant?nom=canari", timeout=5)
    urllib3.request("GET", f"{commission.url}/api/v1/sittings/{'a' * 26}", timeout=5)
    text = read(figures)
    assert 'route="none"' in text
    for word in ("passant", "canari", "a" * 26, *commission.ids.values()):
        assert word not in text


def test_a_dead_worker_is_forgotten(commission: SmallCommission, figures: str) -> None:
    """After a worker's death its live figures go, its counts stay, and a new worker reports."""
    assert commission.service is not None
    name = 'dossier_requests_total{method="GET",route="/healthz",status="200"}'
    wait_until(lambda: name in read(figures))
    before = value(read(figures), name)
    pid = commission.service.process.pid
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    wait_until(
        lambda: set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) - set(workers)
    )
    assert value(read(figures), name) >= before
    wait_until(lambda: 'dossier_ready{part="log"} 1.0' in read(figures))


def test_the_public_port_has_no_figures(commission: SmallCommission, figures: str) -> None:
    """What people reach does not serve the figures, and the figures' port serves nothing else."""
    assert urllib3.request("GET", f"{commission.url}/metrics", timeout=5).status == 404
    assert "dossier_requests" in read(figures)
