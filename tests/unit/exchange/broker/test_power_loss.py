"""The power fails at each write, flush and rename of an operation in turn, or the process is killed there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.errors import AuditError, WitnessConflictError
from crypto.digests import sha256
from crypto.statements import parse
from crypto.statements.custody import Status
from exchange.broker.in_process import InProcessBroker
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from tests.support.broker_world import Scene, open_scene
from tests.support.openings import open_one
from tests.support.power_loss import Disk, PowerFailure, failing
from tests.support.release_attempts import attempt, recorded

MOST_CALLS = 200
"""No operation of these tests makes as many."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


def broker_at(scene: Scene, directory: Path) -> InProcessBroker:
    return InProcessBroker(directory, lambda: scene.world.now, os.urandom)


def accidents(
    scene: Scene,
    tmp_path: Path,
    patch: pytest.MonkeyPatch,
    act: Callable[[InProcessBroker], object],
) -> Iterator[tuple[InProcessBroker, object | None]]:
    """For each call of ``act``: the broker that starts afterwards, from what lasts and from all that
    was written; with what ``act`` returned, None if it did not get that far.
    """
    for at in range(MOST_CALLS):
        store = Path(shutil.copytree(scene.world.directory, tmp_path / f"store-{at}"))
        broker, result = broker_at(scene, store), None
        broker.cosigner.last_size()  # it has run for a while
        disk = Disk(store)
        with failing(patch, disk, at) as made:
            with contextlib.suppress(PowerFailure):
                result = act(broker)
        yield broker_at(scene, disk.survivors(tmp_path / f"lost-{at}")), result
        yield broker_at(scene, store), result
        if result is not None:
            assert len(made) <= at
            return
    raise AssertionError("the operation never came to its end")


@pytest.mark.parametrize("first", [True, False])
def test_nothing_revealed_is_forgotten(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """What left is in the record and is answered again the same; and never does the record name an
    answer that was lost."""
    if not first:
        open_one(scene.world.broker, attempt(scene))
    shown = attempt(scene)
    before = len(recorded(scene.world.broker, RecordKind.OPENED))
    cases = 0
    for broker, answer in accidents(
        scene, tmp_path, monkeypatch, lambda each: open_one(each, shown)
    ):
        named = {each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)[before:]}
        again = open_one(broker, shown)
        assert named <= {sha256(again)}
        if answer is not None:
            assert again == answer
            assert named == {sha256(again)}
        assert [each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)[before:]] == [
            sha256(again)
        ]
        cases += 1
    assert cases >= 12


def test_nothing_cosigned_is_forgotten(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cosignature that left is remembered; one that did not can be asked for again."""
    world = scene.world
    asked: list[tuple[int, tuple[bytes, ...], bytes]] = []
    real = world.broker.cosigner.add_checkpoint

    def remembered(old: int, proof: tuple[bytes, ...], note: bytes) -> bytes:
        asked.append((old, tuple(proof), note))
        raise WitnessConflictError("", size=old)

    monkeypatch.setattr(world.broker.cosigner, "add_checkpoint", remembered)
    with pytest.raises(
        AuditError
    ):  # the log needs its broker's cosignature; here the request is enough
        world.authorise(world.request(scene.member, scene.sitting, scene.deposit), scene.deposit)
    monkeypatch.setattr(world.broker.cosigner, "add_checkpoint", real)
    old, proof, note = asked[0]

    def cosign(broker: InProcessBroker) -> bytes:
        return broker.cosigner.add_checkpoint(old, proof, note)

    cases = 0
    for broker, line in accidents(scene, tmp_path, monkeypatch, cosign):
        size = broker.cosigner.last_size()
        assert size >= old
        if line is not None or size > old:
            with pytest.raises(WitnessConflictError) as caught:
                cosign(broker)
            assert caught.value.size == size > old
        else:
            assert cosign(broker)
        cases += 1
    assert cases >= 6


def test_no_number_is_used_twice(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After whatever failure the next status has a number that no client has seen."""
    nonce = os.urandom(32)

    def number(broker: InProcessBroker) -> int:
        return parse(Status, broker.status(nonce, None, ())).statement.number

    last = number(scene.world.broker)
    for broker, given in accidents(scene, tmp_path, monkeypatch, number):
        assert number(broker) > (last if given is None else int(str(given)))


def test_what_was_destroyed_stays_destroyed(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a destruction that was announced the key is gone from the medium, and its answers are; one
    that was cut short is finished when asked again."""
    world = scene.world
    shown = attempt(scene)
    open_one(world.broker, shown)
    because = world.withdraw(scene.depositor, scene.deposit)
    for broker, _statement in accidents(
        scene, tmp_path, monkeypatch, lambda each: each.destroy(because)
    ):
        broker.destroy(because)
        with pytest.raises(BrokerRefusalError):
            open_one(broker, shown)
        left = [path.name for path in broker._store.directory.rglob("*")]
        assert not any(name.startswith(scene.deposit.deposit) for name in left)
