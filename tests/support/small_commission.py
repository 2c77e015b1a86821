"""A commission of four people around a running ``dossier serve``, driven by ordinary commands."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from exchange.demo.cast import AUDITOR, Player
from exchange.demo.commands import Outcome, Person
from exchange.demo.narrator import Narrator
from exchange.demo.opening import enrol, install
from exchange.demo.service_process import ServiceProcess, start
from exchange.demo.world import World

DOCTOR = Player("medecin", "Jérôme Chimère", "cdom92", ("member",), "cdom92")
PREFECT = Player("prefete", "Aurore Exemple", "prefecture", ("member",), "prefet")
DEPOSITOR = Player("referente", "Quitterie Demo", "altair", ("depositor",))
PEOPLE = (DOCTOR, PREFECT, DEPOSITOR, AUDITOR)

ROSTER = """
[[seats]]
seat = "prefet"
kind = "ex-officio"
label = "Préfet"
voting = true
alternates = true
[[seats]]
seat = "cdom92"
kind = "designated"
label = "Ordre des médecins"
voting = true
alternates = false
[[mandates]]
seat = "prefet"
person = "{prefete}"
capacity = "titular"
from = {begins}
to = {ends}
[[mandates]]
seat = "cdom92"
person = "{medecin}"
capacity = "titular"
from = {begins}
to = {ends}
[[approvals]]
organisation = "altair"
label = "Altaïr"
rna = "W000000001"
from = {begins}
to = {ends}
"""


@dataclass(frozen=True)
class RecordingPerson(Person):
    """A person whose commands are remembered."""

    transcript: list[str] = field(default_factory=list)

    def tries(self, *arguments: str) -> Outcome:
        outcome = super().tries(*arguments)
        self.transcript.extend((outcome.printed, outcome.complained))
        return outcome


class SmallCommission(World):
    """A ``World`` with a prefect, a doctor, a depositor and an auditor, all certified."""

    def arrives(self, key: str) -> Person:
        """A machine whose commands' output is kept for :meth:`printed`."""
        person = super().arrives(key)
        recording = RecordingPerson(person.key, person.directory, person.passphrase_file)
        self.people[key] = recording
        return recording

    def printed(self) -> str:
        """Everything that the commands of this commission printed."""
        return "\n".join(self.transcript)

    @property
    def transcript(self) -> list[str]:
        return [
            text
            for person in self.people.values()
            if isinstance(person, RecordingPerson)
            for text in person.transcript
        ]

    def gather(self) -> None:
        """Start the service and bring everybody in."""
        install(self)
        for player in PEOPLE:
            enrol(self, player)
        today = self.clock().date()
        roster = self.registrar.directory / "composition.toml"
        roster.write_text(
            ROSTER.format(
                begins=today - timedelta(days=30), ends=today + timedelta(days=900), **self.ids
            ),
            encoding="utf-8",
        )
        self.registrar.does("registrar", "seat", "--roster", str(roster))

    def plan_sitting(self) -> str:
        """A new planned sitting, open for deposits."""
        now = self.clock()
        planned = self.registrar.does(
            *("registrar", "sitting", "--deposit-by", moment(now + timedelta(days=2))),
            *("--opens", moment(now + timedelta(days=9)), "--closes"),
            *(moment(now + timedelta(days=10)), "--json"),
        ).data()
        return str(planned["sitting"])

    def open_now(self, sitting: str) -> None:
        """Agenda and convocation, with the opening a second away."""
        self.registrar.does("registrar", "agenda", sitting)
        opens = self.clock() + timedelta(seconds=1)
        self.registrar.does(
            *("registrar", "sitting", "--sitting", sitting, "--convoke", "--deposit-by"),
            *(moment(self.clock()), "--opens", moment(opens), "--urgency", "essai (CRPA R133-8)"),
        )
        while self.clock() < opens + timedelta(seconds=1):
            time.sleep(0.05)

    def folder(self, name: str, **files: bytes) -> Path:
        """A dossier's papers."""
        folder = self.dossiers_directory / name
        folder.mkdir(parents=True)
        for stem, data in files.items():
            (folder / f"{stem}.pdf").write_bytes(data)
        return folder

    def kill(self) -> None:
        """SIGKILL to the service's master and workers, as a power cut would."""
        assert self.service is not None
        kill_tree(self.service.process.pid)
        self.service.process.wait()

    def workers(self) -> list[int]:
        """The process ids of the service's workers."""
        assert self.service is not None
        return children_of(self.service.process.pid)

    def kill_workers(self) -> None:
        """SIGKILL to the workers; their master lives."""
        for each in self.workers():
            os.kill(each, signal.SIGKILL)

    def restart(self, prefix: tuple[str, ...] = ()) -> ServiceProcess:
        """Start the service again on the same port."""
        log = self.server_directory / "service.log"
        self.service = start(self.settings_file, self.url, log, prefix=prefix)
        return self.service


def kill_tree(pid: int) -> None:
    """SIGKILL to a process and its children."""
    children = children_of(pid)
    for each in (pid, *children):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(true: Callable[[], Any], seconds: float = 30) -> None:
    """Look every few milliseconds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00"


@contextmanager
def small_commission(
    directory: Path, places: tuple[str, str] | None = None, *, separate_broker: bool = False
) -> Iterator[SmallCommission]:
    """The commission in ``directory``; its processes are stopped and its files removed at the end.

    ``places``: addresses of an empty database and of an empty object store, instead of files there.
    """
    world = SmallCommission(
        directory, Narrator(Console(file=StringIO())), lambda: datetime.now(UTC)
    )
    world.separate_broker = separate_broker
    if places is not None:
        world.database, world.objects = places
    try:
        world.gather()
        yield world
    finally:
        world.stop()
        shutil.rmtree(directory, ignore_errors=True)
