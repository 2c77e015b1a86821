"""The key store and the ledger: what lies where, who may read it, what a restart finds."""

from __future__ import annotations

import multiprocessing
import os
from datetime import timedelta
from pathlib import Path

import pytest

from crypto.statements import parse
from crypto.statements.custody import Status
from exchange.broker.errors import BrokerStoreError
from exchange.broker.in_process import InProcessBroker
from exchange.broker.keystore import KeyStore
from exchange.broker.ledger import Before, BrokerLedger
from tests.support.broker_world import Scene, open_scene
from tests.support.broker_world_log import START


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


def test_whole_store_is_private(scene: Scene) -> None:
    """After real work no file of the store can be read by anybody else."""
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    paths = list(scene.world.directory.rglob("*"))
    assert len(paths) > 10
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}
    assert scene.world.directory.stat().st_mode & 0o077 == 0


def test_release_keys_lie_sealed(scene: Scene) -> None:
    """A release key's file is an age file: its seed stands in no file of the store."""
    store = KeyStore(scene.world.directory)
    key = store.release_key(scene.deposit.deposit)
    assert key is not None
    for path in scene.world.directory.rglob("*"):
        if path.is_file():
            assert key.reveal() not in path.read_bytes()


def test_no_header_lies_in_the_store(scene: Scene) -> None:
    """The header that was opened is in no file: answers are sealed to the reply key."""
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    header = scene.deposit.headers[scene.member.certificate]
    for path in scene.world.directory.rglob("*"):
        if path.is_file():
            assert header not in path.read_bytes()


def test_statement_and_cosigner_keys_differ(scene: Scene) -> None:
    """One key signs statements, another cosigns."""
    broker = scene.world.broker
    assert broker.statement_key() != broker.cosigner_key().key


def test_not_a_store(tmp_path: Path) -> None:
    """A directory without a store is named as such."""
    with pytest.raises(BrokerStoreError, match="dossier init"):
        InProcessBroker(tmp_path, lambda: START, os.urandom)


def test_restart_finds_everything(scene: Scene) -> None:
    """A new process goes on where the old one stopped: statements, policy, keys, head."""
    world = scene.world
    ledger = BrokerLedger(world.directory, world.trust)
    ledger.refresh()
    assert ledger.policy is not None
    assert ledger.policy.policy.version == 1
    for digest in world.attested:
        assert ledger.index.get(digest) is not None
    orders = {digest: ledger.index.get(digest).order for digest in world.attested}
    assert orders == world.attested


def test_before_hides_what_comes_later(scene: Scene) -> None:
    """A view of the ledger before a place of the log knows nothing from there on."""
    world = scene.world
    revocation = world.revoke(scene.member)
    ledger = BrokerLedger(world.directory, world.trust)
    ledger.refresh()
    place = world.attested[revocation]
    earlier, later = Before(ledger.index, place), Before(ledger.index, place + 1)
    kind = type(later.get(revocation).statement)
    assert earlier.get(revocation) is None
    assert earlier.find(kind, certificate=scene.member.certificate) == []
    assert len(later.find(kind, certificate=scene.member.certificate)) == 1


def test_latest_time_before_a_place(scene: Scene) -> None:
    """Time never goes back along the log, in whatever order statements are shown."""
    world = scene.world
    late = world.recuse(scene.member, scene.sitting, scene.deposit, acknowledge=False)
    world.advance(hours=1)
    world.undertake(world.people["odile"])
    world.broker.acknowledge(world.attest(late))
    ledger = BrokerLedger(world.directory, world.trust)
    ledger.refresh()
    assert ledger.latest_before(0) < START
    assert ledger.latest_before(world.attested[late]) == world.now - timedelta(hours=1)
    assert ledger.latest_before(10**6) == world.now


def test_altered_ledger_is_not_used(scene: Scene) -> None:
    """A statement line that cannot be read stops the broker."""
    world = scene.world
    path = world.directory / "statements.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"envelope":"', b'"envelope":"?', 1))
    ledger = BrokerLedger(world.directory, world.trust)
    with pytest.raises(BrokerStoreError):
        ledger.refresh()


def _statuses(directory: str, count: int, queue: multiprocessing.Queue) -> None:
    broker = InProcessBroker(Path(directory), lambda: START + timedelta(days=5), os.urandom)
    queue.put(
        [
            parse(Status, broker.status(os.urandom(32), None, ())).statement.number
            for _ in range(count)
        ]
    )


def test_many_processes_share_one_store(scene: Scene) -> None:
    """Real processes at once: no status number is given twice, none is lost."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [
        context.Process(target=_statuses, args=(str(scene.world.directory), 20, queue))
        for _ in range(4)
    ]
    for process in processes:
        process.start()
    numbers = [number for _ in processes for number in queue.get(timeout=60)]
    for process in processes:
        process.join()
    assert sorted(numbers) == list(range(1, 81))
