"""The drill: a backup is made, the machine is lost, and another one goes on — or is refused."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import LogUnavailableError
from crypto.age.identities import recipient_of
from crypto.age.recipients import format_recipient
from crypto.edge.unseal import open_file
from crypto.keys import HybridIdentity
from exchange.settings import load_settings
from exchange.wiring.backup import back_up
from exchange.wiring.instance import InstanceError, InstancePlan
from exchange.wiring.restore import put_mark_back, restore
from storage.database import FileHighWater
from tests.support.engines import addresses
from tests.support.live_service import LiveScene, live_scene, plan_of


@dataclass
class Drill:
    """A running commission, and the operator's backup key."""

    scene: LiveScene
    directory: Path
    key: HybridIdentity = field(default_factory=lambda: HybridIdentity.generate(os.urandom))

    def backup(self) -> bytes:
        sink = io.BytesIO()
        back_up(
            self.scene.live.settings,
            format_recipient(recipient_of(self.key)),
            sink,
            clock=lambda: self.scene.live.now,
            entropy=os.urandom,
        )
        return sink.getvalue()

    def plan(self, name: str) -> InstancePlan:
        server = self.directory / name
        places = addresses(server)
        return replace(
            plan_of(self.directory),
            directory=server,
            broker_directory=self.scene.live.directory / "broker",
            database_url=places.database,
            objects_url=places.objects,
        )

    def restore(self, data: bytes, name: str, *, mark: bytes | None) -> None:
        """Bring it back in ``name`` and let the commission's people meet that service."""
        live = self.scene.live
        done = restore(
            io.BytesIO(data),
            [self.key],
            self.plan(name),
            clock=lambda: live.now,
            entropy=os.urandom,
        )
        if mark is not None:
            kept = self.directory / "kept-mark"
            kept.write_bytes(mark)
            put_mark_back(kept, self.directory / name)
        live.shut()
        live.settings = load_settings(done.settings_file, {})
        live.wired = live.wire()
        live.app = live.new_app()
        live.clients.clear()

    def mark(self) -> bytes:
        note = FileHighWater(self.scene.live.settings.high_water_file).read()
        assert note is not None
        return note

    def lose_the_machine(self) -> None:
        shutil.rmtree(self.scene.live.directory / "server")


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    made = Drill(live_scene(tmp_path / "commission"), tmp_path)
    yield made
    made.scene.live.shut()


def test_another_machine_goes_on_where_the_lost_one_stopped(drill: Drill) -> None:
    """From the backup, the mark and the broker alone: same log, and every deposit bit for bit."""
    scene, live = drill.scene, drill.scene.live
    before = Checkpoint.of_note(live.log.integrate())
    data, mark = drill.backup(), drill.mark()
    drill.lose_the_machine()
    drill.restore(data, "elsewhere", mark=mark)
    after = Checkpoint.of_note(live.log.integrate())
    assert (after.size, after.root) == (before.size, before.root)
    request = live.request(scene.member, scene.sitting, scene.deposit)
    answer = live.ask(scene.member, request)
    assert answer.status_code == 200, answer.text
    read = live.read(scene.member, scene.deposit)
    assert read.data == live.payloads[scene.deposit.deposit]
    assert Checkpoint.of_note(live.log.integrate()).size > before.size


def test_an_old_backup_is_recognised(drill: Drill) -> None:
    """What was signed after the backup is missing in it: the mark shows it, and nothing is signed."""
    scene, live = drill.scene, drill.scene.live
    live.log.integrate()
    data = drill.backup()
    live.declare(scene.member, scene.sitting, scene.deposit)
    live.log.integrate()
    drill.restore(data, "old", mark=drill.mark())
    with pytest.raises(LogUnavailableError, match="copie restaurée"):
        live.log.integrate()
    assert live.log_in(live.anonymous(), scene.member).status_code == 503


def test_the_broker_recognises_an_old_backup_whose_mark_is_old_too(drill: Drill) -> None:
    """An operator who restores database and mark together meets the broker's own head."""
    scene, live = drill.scene, drill.scene.live
    live.log.integrate()
    data, mark = drill.backup(), drill.mark()
    live.declare(scene.member, scene.sitting, scene.deposit)
    live.log.integrate()
    drill.restore(data, "older", mark=mark)
    assert live.log_in(live.anonymous(), scene.member).status_code == 503


def test_without_the_mark_nothing_is_signed(drill: Drill) -> None:
    """A restored database alone cannot show that it is the last one: the service says what lacks."""
    live = drill.scene.live
    live.log.integrate()
    drill.restore(drill.backup(), "bare", mark=None)
    with pytest.raises(LogUnavailableError, match="HIGH_WATER_FILE"):
        live.log.integrate()


def test_no_release_key_and_no_mark_is_in_a_backup(drill: Drill) -> None:
    """Opened with the operator's key, a backup holds nothing of what the broker keeps secret."""
    live = drill.scene.live
    live.log.integrate()
    source = open_file(io.BytesIO(drill.backup()), [drill.key])
    plaintext = b"".join(iter(lambda: source.read(65_536), b""))
    with tarfile.open(fileobj=io.BytesIO(plaintext)) as tar:
        names = tar.getnames()
    assert sum(name.startswith("objects/") for name in names) == 2
    assert not [name for name in names if "mark" in name or "high" in name]
    broker = live.directory / "broker"
    secrets = [*broker.glob("*.key"), *broker.glob("keys/*"), *broker.glob("answers/**/*")]
    secrets = [path for path in secrets if path.is_file()]
    assert len(secrets) >= 4
    for path in secrets:
        kept = path.read_bytes()
        assert kept[-48:] not in plaintext, path.name


def test_a_backup_is_useless_without_its_key_and_when_changed(drill: Drill) -> None:
    """Another key opens nothing; one changed bit is refused, and leaves no instance to serve."""
    data = drill.backup()
    clock = lambda: drill.scene.live.now + timedelta(days=1)  # noqa: E731
    stranger = HybridIdentity.generate(os.urandom)
    with pytest.raises(InstanceError):
        restore(io.BytesIO(data), [stranger], drill.plan("a"), clock=clock, entropy=os.urandom)
    changed = bytearray(data)
    changed[len(data) * 2 // 3] ^= 1
    with pytest.raises(InstanceError):
        restore(io.BytesIO(changed), [drill.key], drill.plan("b"), clock=clock, entropy=os.urandom)
    assert not (drill.directory / "b" / "settings.toml").exists()


def test_nothing_existing_is_replaced(drill: Drill) -> None:
    """A directory with anything in it is refused before anything is written."""
    plan = drill.plan("taken")
    plan.directory.mkdir()
    (plan.directory / "trust.json").write_text("{}")
    with pytest.raises(InstanceError, match="n'est pas vide"):
        restore(
            io.BytesIO(drill.backup()),
            [drill.key],
            plan,
            clock=lambda: drill.scene.live.now,
            entropy=os.urandom,
        )
