"""A process is killed between its write and its flush, another goes on from what it reads, then the power
fails: what the second one told is on the medium all the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto.digests import sha256
from crypto.statements import parse
from crypto.statements.custody import Status
from exchange.broker import files
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import LineFile
from exchange.broker.in_process import InProcessBroker
from exchange.broker.slots import PAGE_BYTES, SlotFile
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from tests.support.broker_world import Scene, open_scene
from tests.support.openings import open_one
from tests.support.power_loss import Disk, PowerFailure, failing
from tests.support.release_attempts import attempt, recorded

MOST_CALLS = 200
"""No operation of these tests makes as many."""

NEVER = 10**6
"""A call that is not reached: the disk only watches."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


def broker_at(scene: Scene, directory: Path) -> InProcessBroker:
    broker = InProcessBroker(directory, lambda: scene.world.now, os.urandom)
    broker.cosigner.last_size()
    return broker


def followed(
    scene: Scene,
    tmp_path: Path,
    patch: pytest.MonkeyPatch,
    act: Callable[[InProcessBroker], object],
    then: Callable[[InProcessBroker], object],
) -> Iterator[tuple[InProcessBroker, object]]:
    """``act`` killed at each of its calls; ``then`` by a process that was there before; the power fails.

    What was told by ``then``, and the broker that starts afterwards from what lasts.
    """
    for at in range(MOST_CALLS):
        store = Path(shutil.copytree(scene.world.directory, tmp_path / f"store-{at}"))
        killed, other = broker_at(scene, store), broker_at(scene, store)
        disk, finished = Disk(store), False
        with failing(patch, disk, at), contextlib.suppress(PowerFailure):
            act(killed)
            finished = True
        with failing(patch, disk, NEVER):
            told = then(other)
        yield broker_at(scene, disk.survivors(tmp_path / f"lost-{at}")), told
        if finished:
            return
    raise AssertionError("the operation never came to its end")


def test_an_answer_found_and_given_lasts(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that one process wrote and another gave away is the answer from then on, and recorded."""
    shown = attempt(scene)

    def open_it(broker: InProcessBroker) -> object:
        return open_one(broker, shown)

    cases = 0
    for broker, answer in followed(scene, tmp_path, monkeypatch, open_it, open_it):
        assert [each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)] == [
            sha256(bytes(answer))
        ]
        assert open_one(broker, shown) == answer
        cases += 1
    assert cases >= 8


def test_an_acknowledged_revocation_lasts(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process says that it has acknowledged is not forgotten, whoever wrote it."""
    world = scene.world
    shown = attempt(scene)
    revocation = world.attest(world.revoke(scene.member, acknowledge=False))
    for broker, _told in followed(
        scene,
        tmp_path,
        monkeypatch,
        lambda each: each.acknowledge(revocation),
        lambda each: each.acknowledge(revocation),
    ):
        with pytest.raises(BrokerRefusalError) as caught:
            open_one(broker, shown)
        assert caught.value.params["reason"] == "bad-signature"


def test_no_number_is_told_twice(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counters of two processes, one of them killed, and then no power."""
    nonce = os.urandom(32)

    def number(broker: InProcessBroker) -> int:
        return parse(Status, broker.status(nonce, None, ())).statement.number

    for broker, told in followed(scene, tmp_path, monkeypatch, number, number):
        assert number(broker) > int(str(told))


def test_another_process_ends_the_destruction(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut short anywhere and asked for of another process, it leaves one wrapping key and no release key."""
    world = scene.world
    because = world.withdraw(scene.depositor, scene.deposit)

    def destroy(broker: InProcessBroker) -> object:
        return broker.destroy(because)

    for broker, _told in followed(scene, tmp_path, monkeypatch, destroy, destroy):
        store = broker._store.directory
        assert len(list(store.glob("wrapping-*.key"))) == 1
        assert not (store / "keys" / f"{scene.deposit.deposit}.age").exists()


def test_what_could_not_be_flushed_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A medium that fails at the flush: an error, and nobody reads lines that may not last."""
    one, two = LineFile(tmp_path / "lines"), LineFile(tmp_path / "lines")
    one.append(b"a")

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fdatasync", broken)
        with pytest.raises(BrokerStoreError, match="Input/output"):
            one.append(b"b", b"c")
    assert two.refresh() == [b"a"]
    one.append(b"d", b"e")
    assert two.refresh() == [b"d", b"e"]


@pytest.mark.parametrize("killed", range(5))
def test_a_slot_that_another_left_unflushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: int
) -> None:
    """Killed before its flush, and the next write torn by a power failure: a whole content stands."""
    for at in range(MOST_CALLS):
        folder = tmp_path / str(at)
        folder.mkdir()
        path, finished = folder / "state.slots", False
        SlotFile(path, PAGE_BYTES).create(b"one")
        disk = Disk(folder)
        with failing(monkeypatch, disk, killed), contextlib.suppress(PowerFailure):
            SlotFile(path, PAGE_BYTES).write(b"two")
        with failing(monkeypatch, disk, at), contextlib.suppress(PowerFailure):
            SlotFile(path, PAGE_BYTES).write(b"three")
            finished = True
        left = disk.survivors(folder / "lost") / "state.slots"
        for torn in (left.read_bytes(), _torn_where_they_differ(left, path)):
            left.write_bytes(torn)
            assert SlotFile(left, PAGE_BYTES).read() in {b"one", b"two", b"three"}
        if finished:
            return


def _torn_where_they_differ(flushed: Path, written: Path) -> bytes:
    """The pages written since the last flush, each only half on the medium."""
    old, new = flushed.read_bytes(), written.read_bytes()
    pages = []
    for start in range(0, len(new), PAGE_BYTES):
        before, after = old[start : start + PAGE_BYTES], new[start : start + PAGE_BYTES]
        pages.append(after if before == after else after[:20] + before[20:])
    return b"".join(pages)
