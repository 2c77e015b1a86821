"""Databases that restart or go, S3 that is slow, wrong, cut or gone, workers that die: nothing is lost.

Real processes on a real PostgreSQL and a real S3 service. After every fault the same four things are
looked at: each acknowledged deposit opens bit for bit, the auditor's verdict on the exported log, that
each header a member got is an event (a part of that verdict), and that a sweep leaves no orphan.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exchange.demo.commands import Outcome
from tests.support.fault_proxy import FaultProxy, Way, fault_proxy
from tests.support.postgres import PostgresServer, find_programs, postgres_server
from tests.support.s3 import S3Service, find_weed, s3_service
from tests.support.small_commission import SmallCommission, small_commission, wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.engines,
    pytest.mark.timeout(300),
]

BYTES = 9 * 1_048_576
"""Two parts each, and an object that S3 joins from several."""

GONE_SECONDS = 30


@dataclass
class Scene:
    """A commission whose service keeps everything in servers that fail on demand."""

    commission: SmallCommission
    postgres: PostgresServer
    way: FaultProxy
    s3: S3Service
    bucket: str
    sitting: str = ""
    papers: dict[str, bytes] = field(default_factory=dict)
    """What was acknowledged: name of the paper → its bytes."""

    def deposits(self, name: str) -> Outcome:
        """The depositor's command; remembered when it was acknowledged."""
        data = b"%PDF-1.4 " + name.encode() + os.urandom(BYTES)
        folder = self.commission.folder(name, **{name: data})
        person = self.commission.people["referente"]
        done = person.tries(
            *("deposit", "--sitting", self.sitting, "--kind", "engagement"),
            *("--keep-metadata", "--any-type", str(folder)),
        )
        if done.status == 0:
            self.papers[name] = data
        else:
            self.waiting = (name, data)
        return done

    def resumes(self) -> None:
        """``deposit --resume``, which must succeed now."""
        self.commission.people["referente"].does("deposit", "--resume")
        name, data = self.waiting
        self.papers[name] = data

    def during(self, name: str, fault) -> Outcome:
        """A deposit while ``fault`` happens, as soon as it is sealed and its first part leaves."""
        outcome: list[Outcome] = []
        thread = threading.Thread(target=lambda: outcome.append(self.deposits(name)))
        thread.start()
        waiting = self.commission.people["referente"].directory / "deposits"
        wait_until(lambda: outcome or any(waiting.glob("*/state.json")))
        fault()
        thread.join()
        return outcome[0]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    programs, weed = find_programs(), find_weed()
    if programs is None or weed is None:
        pytest.skip(
            "PostgreSQL or SeaweedFS is not installed (tests/integration/install_engines.sh)"
        )
    with postgres_server(programs) as postgres, s3_service(weed) as s3:
        at = urlsplit(s3.endpoint)
        assert at.hostname is not None
        assert at.port is not None
        with fault_proxy(at.hostname, at.port) as way, pytest.MonkeyPatch.context() as patch:
            for name, value in s3.environment().items():
                patch.setenv(name, value)
            bucket = s3.new_bucket()
            objects = f"s3://{bucket}/instance?endpoint=http://127.0.0.1:{way.port}"
            directory = tmp_path_factory.mktemp("faults") / "commission"
            places = (postgres.new_database(), objects)
            with small_commission(directory, places) as commission:
                made = Scene(commission, postgres, way, s3, bucket)
                made.sitting = commission.plan_sitting()
                yield made


def test_database_restarts_in_mid_deposit(scene: Scene) -> None:
    """A restart breaks every connection: the deposit goes through, or is resumed and does."""

    def restart() -> None:
        scene.postgres.stop()
        scene.postgres.start()

    done = scene.during("restart", restart)
    if done.status:
        assert done.status == 3, done.complained
        scene.resumes()


def test_database_gone_for_half_a_minute(scene: Scene) -> None:
    """Without its database the service says so, acknowledges nothing, and is well again by itself: also
    when its workers died meanwhile, and could not start anew.
    """
    scene.postgres.stop()
    begun = time.monotonic()
    try:
        scene.commission.kill_workers()
        refused = scene.commission.people["medecin"].tries("sittings")
        assert refused.status == 3
        assert "Traceback" not in refused.complained
        time.sleep(max(0.0, GONE_SECONDS - (time.monotonic() - begun)))
    finally:
        scene.postgres.start()
    assert scene.commission.service is not None
    assert scene.commission.service.process.poll() is None, "the master has stopped"
    wait_until(lambda: scene.commission.people["medecin"].tries("sittings").status == 0)
    assert scene.deposits("after").status == 0


@pytest.mark.parametrize("way", [Way.GONE, Way.ERRORS, Way.CUT])
def test_s3_fails_in_mid_deposit(scene: Scene, way: Way) -> None:
    """No part is acknowledged that S3 does not have; the deposit is resumed where it stopped."""
    try:
        done = scene.during(way.value, lambda: scene.way.becomes(way))
    finally:
        scene.way.becomes(Way.OPEN)
    assert done.status == 3, done.complained
    assert "--resume" in done.complained
    scene.resumes()


def test_s3_is_slow(scene: Scene) -> None:
    """A slow S3 makes a slow deposit, and nothing else."""
    scene.way.becomes(Way.SLOW)
    try:
        assert scene.deposits("slow").status == 0
    finally:
        scene.way.becomes(Way.OPEN)


def test_kill_in_mid_deposit(scene: Scene) -> None:
    """SIGKILL to all workers between two parts loses nothing that was acknowledged."""

    def kill() -> None:
        scene.commission.kill()
        scene.commission.restart()

    done = scene.during("killed", kill)
    if done.status:
        assert done.status == 3, done.complained
        scene.resumes()


def test_everything_acknowledged_is_there(scene: Scene, tmp_path: Path) -> None:
    """After all of it: each deposit bit for bit, the log verifies, no orphan after the sweep."""
    commission = scene.commission
    assert len(scene.papers) >= 7
    commission.open_now(scene.sitting)
    doctor = commission.people["medecin"]
    doctor.does("declare", scene.sitting, "--yes")
    pack, out = tmp_path / "pack.tar", tmp_path / "opened"
    doctor.does("pack", "get", scene.sitting, "--out", str(pack))
    doctor.does("pack", "open", str(pack), "--out", str(out))
    opened = {path.stem: path.read_bytes() for path in out.rglob("*.pdf")}
    for name, data in scene.papers.items():
        assert opened[name] == data, name
    auditor = commission.people["verificatrice"]
    bundle = tmp_path / "bundle.tar"
    auditor.does("audit", "export", "--out", str(bundle))
    trust = str(commission.directory / "trust.json")
    assert auditor.tries("audit", "verify", "--bundle", str(bundle), "--trust", trust).status == 0
    commission.registrar.does("registrar", "close", scene.sitting, "--yes")
    scene.commission.registrar.does("purge", "--settings", str(commission.settings_file), "--due")
    listed = scene.s3.admin().list_objects_v2(Bucket=scene.bucket).get("Contents", ())
    objects = [each["Key"] for each in listed if "/objects/" in each["Key"]]
    assert len(objects) == len(scene.papers)
