"""A host whose disk fills, whose clock steps back, whose broker, clients and workers are killed.

The embedded engines (SQLite, a directory), the broker a process of its own, all by ordinary commands.
After all of it: each acknowledged deposit opens bit for bit, the auditor accepts the exported log, in
which each header that a member got is an event, and a sweep leaves nothing that no deposit names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exchange.demo.broker_host import start_broker, unlock
from exchange.demo.commands import Outcome, Person
from tests.support.host_clock import HostClock
from tests.support.separate_broker import FAKETIME
from tests.support.small_commission import (
    SmallCommission,
    kill_tree,
    small_commission,
    wait_until,
)
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is not installed"),
]

BYTES = 9 * 1_048_576
"""Two parts each."""

DISK_MEBIBYTES = 160
HOUR = 3_600


@dataclass
class Host:
    """The commission, its disk and its clock; what was acknowledged."""

    commission: SmallCommission
    disk: SmallDisk
    clock: HostClock
    sitting: str = ""
    papers: dict[str, bytes] = field(default_factory=dict)
    waiting: tuple[str, bytes] = ("", b"")

    @property
    def depositor(self) -> Person:
        return self.commission.people["referente"]

    def words(self, name: str) -> tuple[str, ...]:
        """The depositor's command for a new dossier, which :meth:`acknowledged` then remembers."""
        data = b"%PDF-1.4 " + name.encode() + os.urandom(BYTES)
        self.waiting = name, data
        return (
            *("deposit", "--sitting", self.sitting, "--kind", "engagement"),
            *("--keep-metadata", "--any-type"),
            str(self.commission.folder(name, **{name: data})),
        )

    def acknowledged(self) -> None:
        name, data = self.waiting
        self.papers[name] = data

    def deposits(self, name: str) -> Outcome:
        done = self.depositor.tries(*self.words(name))
        if done.status == 0:
            self.acknowledged()
        return done

    def resumes(self) -> None:
        """``deposit --resume``, which must succeed now."""
        self.depositor.does("deposit", "--resume")
        self.acknowledged()

    def spawns(self, who: Person, *words: str) -> subprocess.Popen[bytes]:
        """A command in a process of its own, to be killed."""
        command = [sys.executable, "-m", "exchange.cli", "--profile", str(who.directory)]
        secret = ("--passphrase-file", str(who.passphrase_file))
        return subprocess.Popen(
            [*command, *secret, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def during(self, name: str, fault: Callable[[], None]) -> int:
        """A deposit in a process of its own, and ``fault`` while its parts leave; its exit status."""
        process = self.spawns(self.depositor, *self.words(name))
        wait_until(lambda: process.poll() is not None or self.under_way())
        fault()
        return process.wait()

    def under_way(self) -> bool:
        """A deposit is sealed and its parts are leaving."""
        return any((self.depositor.directory / "deposits").glob("*/state.json"))

    def restarts_broker(self) -> None:
        """Start it and unlock it, as its operator does after a crash."""
        directory = self.commission.broker_directory
        self.commission.broker = start_broker(directory, prefix=self.clock.prefix())
        unlock(self.commission.people["gardien"], directory)

    def kills_broker(self) -> None:
        assert self.commission.broker is not None
        kill_tree(self.commission.broker.process.pid)
        self.commission.broker.process.wait()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    directory = tmp_path_factory.mktemp("host") / "commission"
    with (
        small_disk(directory / "server", DISK_MEBIBYTES) as disk,
        small_commission(directory, separate_broker=True) as commission,
    ):
        made = Host(commission, disk, HostClock(directory.with_name("clock")))
        assert commission.service is not None
        assert commission.broker is not None
        commission.service.stop()
        commission.broker.stop()
        made.restarts_broker()
        commission.restart(made.clock.prefix())
        made.sitting = commission.plan_sitting()
        yield made


def test_the_disk_is_full_before_a_deposit(host: Host) -> None:
    """With no room at all nothing is acknowledged, the refusal says so, and reading goes on after."""
    host.disk.fill(leaving=0)
    try:
        refused = host.deposits("full")
        assert refused.status == 3, refused.complained
        assert "Traceback" not in refused.complained
    finally:
        host.disk.empty()
    assert host.commission.people["medecin"].tries("sittings").status == 0


def test_the_disk_fills_in_mid_deposit(host: Host) -> None:
    """There is room for the first part and none for the second: the deposit waits, and is resumed."""
    host.disk.fill(leaving=10 * 1_048_576)
    try:
        refused = host.deposits("half")
        assert refused.status == 3, refused.complained
        assert "--resume" in refused.complained
        assert "Traceback" not in refused.complained
    finally:
        host.disk.empty()
    host.resumes()


def test_the_client_is_killed_in_mid_deposit(host: Host) -> None:
    """SIGKILL to the depositor's command, ever later: ``--resume`` ends what it began."""
    for number, pause in enumerate((0.0, 0.1, 0.25)):
        name = f"client-{number}"
        process = host.spawns(host.depositor, *host.words(name))
        wait_until(lambda process=process: process.poll() is not None or host.under_way())
        time.sleep(pause)
        process.kill()
        if process.wait() == 0:
            host.acknowledged()
        else:
            host.resumes()
        assert not host.under_way()


def test_the_broker_is_killed_in_mid_deposit(host: Host) -> None:
    """SIGKILL to the broker: the deposit waits for it, and for its operator's passphrase."""

    status = host.during("broker", host.kills_broker)
    try:
        refused = host.depositor.tries("sittings")  # a login needs the broker's cosignature
        assert refused.status == 3, refused.complained
        assert "Traceback" not in refused.complained
    finally:
        host.restarts_broker()
    if status == 0:
        host.acknowledged()
    else:
        assert status == 3
        host.resumes()


def test_workers_integrate_at_once_and_one_is_killed(host: Host) -> None:
    """Three people act at once on two workers, one of which dies: each retry finds its own event."""
    people = [host.commission.people[name] for name in ("medecin", "prefete", "verificatrice")]
    running = [host.spawns(each, "sittings") for each in people]
    time.sleep(0.7)
    os.kill(host.commission.workers()[0], 9)
    assert {each.wait() for each in running} <= {0, 3}
    assert all(each.tries("sittings").status == 0 for each in people)


def test_the_clock_steps_back(host: Host) -> None:
    """An hour back nobody gets in, and is told so; some seconds back all goes on; two days back nothing
    is acknowledged. Nothing of it is left when the clock is right again."""
    host.clock.steps(-HOUR)
    refused = host.commission.people["medecin"].tries("sittings")
    assert refused.status in {1, 3}
    assert "Traceback" not in refused.complained
    host.clock.steps(-8)  # less than the youngest certificate's age
    assert host.deposits("seconds").status == 0
    host.clock.steps(-2 * 24 * HOUR)
    assert host.deposits("days").status in {1, 3}
    host.clock.steps(0)
    if host.under_way():
        host.resumes()
    assert host.deposits("right").status == 0


def test_the_reader_and_the_broker_are_killed_in_mid_pack(host: Host, tmp_path: Path) -> None:
    """SIGKILL to the member's command, then to the broker, then a full disk of their own: the same
    command ends each time with an honest word, and at last with the whole pack."""
    commission = host.commission
    commission.open_now(host.sitting)
    doctor = commission.people["medecin"]
    doctor.does("declare", host.sitting, "--yes")
    pack = tmp_path / "pack.tar"
    words = ("pack", "get", host.sitting, "--out", str(pack))
    killed = host.spawns(doctor, *words)
    wait_until(lambda: killed.poll() is not None or any(doctor.directory.glob("downloads/*/*")))
    killed.kill()
    assert killed.wait() != 0
    assert not pack.exists()
    commission.people["prefete"].does("declare", host.sitting, "--yes")
    other = tmp_path / "other.tar"
    away = host.spawns(
        commission.people["prefete"], "pack", "get", host.sitting, "--out", str(other)
    )
    time.sleep(0.8)
    host.kills_broker()
    if away.wait() != 0:
        assert not other.exists()
    host.restarts_broker()
    with small_disk(tmp_path / "small", 2) as small:
        refused = doctor.tries(*words[:-1], str(small.path / "pack.tar"))
        assert refused.status in {1, 3}, refused.complained
        assert "Traceback" not in refused.complained
        assert list(small.path.iterdir()) == []
    doctor.does(*words)
    commission.people["prefete"].does("pack", "get", host.sitting, "--out", str(other))
    for name, file in (("medecin", pack), ("prefete", other)):
        out = tmp_path / name
        commission.people[name].does("pack", "open", str(file), "--out", str(out))
        opened = {path.stem: path.read_bytes() for path in out.rglob("*.pdf")}
        assert {each: opened[each] == data for each, data in host.papers.items()} == dict.fromkeys(
            host.papers, True
        )


def test_everything_acknowledged_is_there(host: Host, tmp_path: Path) -> None:
    """After all of it the log verifies offline, where nothing but the clock is to be looked at, and a
    sweep leaves the acknowledged objects alone."""
    commission = host.commission
    assert len(host.papers) >= 7
    bundle = tmp_path / "bundle.tar"
    auditor = commission.people["verificatrice"]
    auditor.does("audit", "export", "--out", str(bundle))
    trust = str(commission.directory / "trust.json")
    verdict = auditor.tries("audit", "verify", "--bundle", str(bundle), "--trust", trust, "--json")
    found = [each for each in verdict.data()["findings"] if each["severity"] != "info"]
    # Two logins were refused under a clock that was wrong: that is what the log says, and no more.
    assert [each["code"] for each in found] == ["event.backwards"] * 2, found
    commission.registrar.does("purge", "--settings", str(commission.settings_file), "--due")
    kept = [path for path in (host.disk.path / "objects" / "objects").rglob("*") if path.is_file()]
    assert len(kept) == len(host.papers)
