"""People with profiles in front of a :class:`HostileServer`, and a sitting ready to be read."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from crypto.statements.exchange import Kind
from exchange.client.connection import Connection
from exchange.client.declare import declare, look, undertake
from exchange.client.deposit import Done, Wanted, make_deposit, plan
from exchange.client.desk import Desk, log_in
from exchange.client.machine import Machine
from exchange.client.profile import Profile
from tests.support.broker_world_registry import Person
from tests.support.hostile_server import URL, HostileServer
from tests.support.memory_log import MemoryLogStore

SECRET = b"Le contenu d'un dossier invente, qui ne doit paraitre nulle part.\n"


class Silent:
    def begin(self, what: str, total: int) -> Callable[[int], None]:
        return lambda done: None


@dataclass
class Scene:
    """The commission, its server, and where profiles lie."""

    folder: Path
    server: HostileServer = field(init=False)
    sitting: str = ""

    def __post_init__(self) -> None:
        self.server = HostileServer(self.folder / "broker")
        self.server.world.found()

    def machine(self, who: str) -> Machine:
        """A profile, made at first use, that already pinned the commission."""
        profile = Profile(self.folder / "people" / who)
        profile.pin(self.server.world.trust)
        person = self.person(who)
        if profile.settings().certificate is None:
            profile.change(server=URL, certificate=person.certificate)
        pause = lambda seconds: None  # noqa: E731
        connection = Connection(self.server, URL, language="fr", pause=pause)
        clock = lambda: self.server.world.now  # noqa: E731
        return Machine(profile, connection, clock, os.urandom, pause, Silent())

    def person(self, who: str) -> Person:
        return self.server.world.people[who]

    def desk(self, who: str) -> Desk:
        """Logged in."""
        return log_in(self.machine(who), self.person(who).identity)

    def open_sitting(self, *who: str, **dates: datetime) -> str:
        self.sitting = self.server.world.publish_sitting(*who, **dates)
        return self.sitting

    def dossier(self, who: str, **wanted: object) -> Done:
        """A depositor's folder, deposited."""
        folder = self.folder / "papers" / who
        (folder / "pieces").mkdir(parents=True, exist_ok=True)
        (folder / "demande.txt").write_bytes(SECRET)
        (folder / "pieces" / "piece 1.txt").write_bytes(SECRET * 3000)
        desk = self.desk(who)
        request = Wanted(
            self.sitting,
            Kind.ENGAGEMENT,
            (folder,),
            any_type=True,
            **wanted,  # type: ignore[arg-type]
        )
        return make_deposit(desk, plan(desk, request))

    def agenda(self) -> None:
        """Publish the agenda of everything deposited so far, and let the sitting open."""
        from crypto.statements.agenda import AgendaItem
        from crypto.statements.exchange import Manifest
        from exchange.client.registry import association_of

        world = self.server.world
        items = [
            AgendaItem(
                association=association_of(world.index, each.statement),
                dossier=each.statement.dossier,
                rank=each.order,
                manifests=(each.digest,),
            )
            for each in world.index.find(Manifest, sitting=self.sitting)
        ]
        world.publish_items(self.sitting, items)
        world.now = max(world.now, world.sittings[self.sitting].statement.opens_at) + timedelta(
            minutes=1
        )

    def declare(self, who: str, *references: str) -> Desk:
        """Sign the undertaking and declarations; returns the desk."""
        desk = self.desk(who)
        seen = look(desk, self.sitting)
        if not seen.undertaken:
            undertake(desk, seen.mandate)
        declare(desk, seen, references)
        return desk


class EvilDesk(Desk):
    """A depositor who signs another manifest than an honest client would."""

    changes: ClassVar[dict[str, Any]] = {}

    def draft(self, kind: Any, /, **fields: Any) -> Any:
        return super().draft(kind, **{**fields, **self.changes.get(kind.TYPE, {})})


def evil(desk: Desk, **changes: dict[str, Any]) -> EvilDesk:
    """The same desk, whose statements of a type get these fields instead."""
    made = EvilDesk(**{each.name: getattr(desk, each.name) for each in fields(desk)})
    object.__setattr__(made, "changes", changes)
    return made


@dataclass
class Snapshot:
    """What an operator's backup holds: the log's database and the broker's directory."""

    store: Any
    broker: Path


def snapshot(scene: Scene, name: str) -> Snapshot:
    """Take one."""
    kept = scene.folder / name
    shutil.copytree(scene.folder / "broker", kept)
    store = scene.server.world.store
    copied = MemoryLogStore()
    copied.rows, copied._next_ticket = copy.deepcopy(store.rows), store._next_ticket
    return Snapshot(copied, kept)


def restore(scene: Scene, taken: Snapshot) -> None:
    """Go back to it: log and broker forget what came after."""
    world = scene.server.world
    shutil.rmtree(scene.folder / "broker")
    shutil.copytree(taken.broker, scene.folder / "broker")
    world.broker = world.new_broker()
    world.store = taken.store
    world.log = world.new_log(world.store)
    assert world.store.rows.head is not None
    world.log._high_water.write(world.store.rows.head[1])


def deposited(folder: Path) -> Scene:
    """One dossier of ``nadia`` (altair); deposits are still taken."""
    scene = Scene(folder)
    scene.open_sitting("claire", "martin", "odile")
    scene.dossier("nadia")
    return scene


def ready(folder: Path, dossiers: int = 1) -> Scene:
    """Dossiers of ``nadia`` (altair), on the agenda; ``claire`` declared; the window is open."""
    scene = deposited(folder)
    for _more in range(dossiers - 1):
        scene.dossier("nadia")
    scene.agenda()
    scene.declare("claire")
    return scene
