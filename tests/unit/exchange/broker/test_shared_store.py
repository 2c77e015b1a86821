"""Two processes over one store: what one changes the other sees, whatever it remembers."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from audit.errors import LogUnavailableError, WitnessConflictError
from crypto.keys import HybridIdentity, ServiceSigningSeed
from crypto.statements import parse
from crypto.statements.custody import Status
from exchange.broker import files
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import locked
from exchange.broker.keystore import KeyStore, WitnessHead
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Attested
from tests.support.broker_world import Scene, open_scene
from tests.support.openings import open_one
from tests.support.release_attempts import attempt


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


def number(status: bytes) -> int:
    return parse(Status, status).statement.number


def test_counters_are_those_of_all(scene: Scene) -> None:
    """Statuses asked of two processes in turn are numbered as if there were one."""
    one, two = scene.world.broker, scene.world.new_broker()
    asked = [each.status(os.urandom(32), None, ()) for each in (one, two, two, one, two, one)]
    first = number(asked[0])
    assert [number(each) for each in asked] == list(range(first, first + 6))


def test_the_head_is_that_of_all(scene: Scene) -> None:
    """What one process cosigned, the other neither forgets nor cosigns again from before."""
    other = scene.world.new_broker()
    size = other.cosigner.last_size()
    attempt(scene)
    assert other.cosigner.last_size() == scene.world.broker.cosigner.last_size() > size
    with pytest.raises(WitnessConflictError):
        other.cosigner.add_checkpoint(size, (), scene.world.log.integrate())


def test_the_head_is_told_while_others_work(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is said without waiting for the lock; a damaged store is an error all the same."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    broker = scene.world.broker
    size = broker.cosigner.last_size()
    with locked(scene.world.directory / "lock"):
        assert broker.cosigner.last_size() == size > 0
        with pytest.raises(LogUnavailableError):
            scene.world.new_broker().cosigner.last_size()
    (scene.world.directory / "state.slots").write_bytes(b"garbage")
    with pytest.raises(LogUnavailableError):
        broker.cosigner.last_size()


def test_a_glance_sees_a_whole_state(scene: Scene) -> None:
    """Read while another writes, the state is one that was saved, or none: never a mixture."""
    reader, writer = KeyStore(scene.world.directory), KeyStore(scene.world.directory)
    stop, known = threading.Event(), writer.state()

    def write() -> None:
        number = known.status_number
        while not stop.is_set():
            number += 1
            note = "n" * (number * 997 % 9000) + str(number)
            head = WitnessHead(size=number, root=bytes([number % 256]) * 32, note=note)
            writer.save_state(known.model_copy(update={"status_number": number, "head": head}))

    thread = threading.Thread(target=write)
    thread.start()
    seen = []
    try:
        while len(seen) < 300:
            with contextlib.suppress(BrokerStoreError):
                seen.append(reader.glance_at_state())
    finally:
        stop.set()
        thread.join()
    heads = [each for each in seen if each.status_number > known.status_number]
    assert heads
    for each in heads:
        assert each.head is not None
        assert each.head.size == each.status_number
        assert each.head.root == bytes([each.status_number % 256]) * 32
        assert each.head.note.endswith(f"n{each.status_number}") or "n" not in each.head.note
    numbers = [each.status_number for each in seen]
    assert numbers == sorted(numbers)


def test_what_one_acknowledged_binds_the_other(scene: Scene) -> None:
    """A recusal shown to one process stops an opening by the other."""
    other, shown = scene.world.new_broker(), attempt(scene)
    other.cosigner.last_size()
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(other, shown)
    assert caught.value.params["reason"] == "recused"


def test_what_one_destroyed_the_other_cannot_open(scene: Scene) -> None:
    """A key destroyed by one process is gone for the one that opened with it before."""
    world, other = scene.world, scene.world.new_broker()
    open_one(other, attempt(scene))
    world.destroy(world.withdraw(scene.depositor, scene.deposit))
    with pytest.raises(BrokerRefusalError):
        open_one(other, attempt(scene))


def test_a_head_put_back_is_noticed_by_a_running_process(scene: Scene) -> None:
    """An old state put back, to the very byte that was read before, is believed by nobody."""
    world, path = scene.world, scene.world.directory / "state.slots"
    running = world.new_broker()
    open_one(running, attempt(scene))
    before = path.read_bytes()
    world.advance(minutes=1)
    shown = attempt(scene)
    running.cosigner.last_size()
    replacement = path.with_name("put-back")
    replacement.write_bytes(before)
    times = path.stat()
    os.utime(replacement, ns=(times.st_atime_ns, times.st_mtime_ns))
    replacement.replace(path)
    for broker in (running, world.broker, world.new_broker()):
        with pytest.raises(BrokerRefusalError) as caught:
            open_one(broker, shown)
        assert caught.value.params["reason"] in {"bad-receipt", "other-log"}


def test_state_is_read_again_however_alike_its_file(scene: Scene) -> None:
    """Same length, same times, same inode: other bytes are another state."""
    one, two = KeyStore(scene.world.directory), KeyStore(scene.world.directory)
    path = scene.world.directory / "state.slots"
    times, known = path.stat(), one.state()
    two.save_state(known.model_copy(update={"status_number": known.status_number + 1}))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert one.state().status_number == known.status_number + 1


def test_public_keys_follow_their_files(scene: Scene) -> None:
    """The public half that is remembered is that of the seed in the file, and of no earlier one."""
    store = KeyStore(scene.world.directory)
    for name, public in (
        ("statement.key", store.statement_key),
        ("cosigner.key", store.cosigner_key),
    ):
        before = public()
        seed = ServiceSigningSeed.generate(os.urandom)
        store._write_secret(name, seed.reveal())
        assert public() == seed.verify_key() != before


def test_no_secret_outlives_its_operation(scene: Scene) -> None:
    """After an opening and a cosigning no seed of the store is in this process's objects."""
    world, store = scene.world, KeyStore(scene.world.directory)
    open_one(world.broker, attempt(scene))
    secrets = [store.statement_seed().reveal(), store.cosigner_seed().reveal()]
    key = store.release_key(scene.deposit.deposit)
    assert key is not None
    secrets.append(key.reveal())
    del key
    gc.collect()
    kinds = (ServiceSigningSeed, HybridIdentity)
    kept = [each.reveal() for each in gc.get_objects() if isinstance(each, kinds)]
    assert kept
    assert not set(secrets) & set(kept)
    remembered = repr([vars(world.broker._store), vars(world.broker._memory.record)])
    assert all(repr(each) not in remembered for each in secrets)


@pytest.mark.parametrize("spoilt", ["envelope", "statements"])
def test_no_secret_outlives_a_refusal(scene: Scene, spoilt: str) -> None:
    """Also when one of several requests was refused: nothing waits for the collector of cycles."""
    good = attempt(scene)
    shown = attempt(scene)
    bad = {
        "envelope": replace(shown, envelope=b"x"),
        "statements": replace(shown, statements=(Attested(b"{}", b""),)),
    }[spoilt]
    kinds = (ServiceSigningSeed, HybridIdentity)

    def alive() -> int:
        return sum(isinstance(each, kinds) for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = alive()
        kept, refused = scene.world.broker.open_all([good, bad])
        assert isinstance(kept, bytes)
        assert isinstance(refused, BrokerRefusalError)
        assert alive() == before
    finally:
        gc.enable()


def test_a_busy_process_leaves_others_their_turn(tmp_path: Path) -> None:
    """One that takes the lock again as soon as it let it go does not keep another out."""
    path, stop, entered, overtaken = tmp_path / "lock", threading.Event(), [], []

    def hog() -> None:
        while not stop.is_set():
            with locked(path):
                entered.append(1)
                stop.wait(0.002)

    thread = threading.Thread(target=hog)
    thread.start()
    try:
        for _ in range(20):
            stop.wait(0.005)  # meanwhile the hog has it again
            asked = len(entered)
            with locked(path):
                overtaken.append(len(entered) - asked)
    finally:
        stop.set()
        thread.join()
    assert max(overtaken) <= 20


def test_waiting_for_the_turn_is_bounded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits behind one that waits gives up as well, and says so."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.02)
    with locked(tmp_path / "lock.turn"):
        with pytest.raises(files.BrokerBusyError):
            with locked(tmp_path / "lock"):
                pass


def test_an_expired_request_is_not_remembered_as_good(scene: Scene) -> None:
    """Signatures verified once are not verified again; their age is looked at each time."""
    shown = attempt(scene)
    open_one(scene.world.broker, shown)
    scene.world.advance(minutes=6)
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(scene.world.broker, shown)
    assert caught.value.params["reason"] == "stale-checkpoint"
