"""A restored, emptied or foreign database: the log goes on from what it signed, or not at all."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import (
    LogUnavailableError,
)
from audit.log import AuditLog
from tests.support.log_world import ORIGIN, LogWorld, signer
from tests.support.memory_log import MemoryLogStore


def backup(store: MemoryLogStore) -> MemoryLogStore:
    restored = MemoryLogStore()
    restored.rows = copy.deepcopy(store.rows)
    restored._next_ticket = store._next_ticket
    return restored


def restored_world() -> tuple[LogWorld, MemoryLogStore]:
    world = LogWorld()
    world.add(5)
    world.log.integrate()
    old = backup(world.store)
    world.add(3)
    world.log.integrate()
    return world, old


def test_a_restored_older_database_is_refused() -> None:
    """A database from before the mark signs, orders and publishes nothing, and says what to do."""
    world, old = restored_world()
    signed = len(world.recorder.signed)
    world.store = old
    log = world.open()
    world.add(3)
    before = copy.deepcopy(old.rows)
    with pytest.raises(LogUnavailableError, match="recovery"):
        log.integrate()
    assert len(world.recorder.signed) == signed
    assert old.rows == before


def test_a_restored_database_that_grew_as_far_is_refused() -> None:
    """An older copy with other events up to the mark's size has another root: refused too."""
    world, old = restored_world()
    elsewhere = LogWorld()
    elsewhere.store, elsewhere.entropy = old, world.entropy
    elsewhere.high_water.note = old.rows.head[1]
    elsewhere.witnesses = {}
    elsewhere.policy_in_force = None
    elsewhere.log = elsewhere.open()
    elsewhere.add(3)
    elsewhere.log.integrate()
    with pytest.raises(LogUnavailableError, match="recovery"):
        world.open(old).integrate()


def test_a_lost_mark_is_refused() -> None:
    """Without its mark a log that has signed does not go on."""
    world, _ = restored_world()
    world.high_water.note = None
    with pytest.raises(LogUnavailableError, match="recovery"):
        world.log.integrate()


def test_an_empty_database_under_a_mark_is_refused() -> None:
    """A fresh database beside an old mark does not start the log again."""
    world, _ = restored_world()
    world.store = MemoryLogStore()
    world.add(20)
    with pytest.raises(LogUnavailableError, match="recovery"):
        world.open().integrate()


def test_a_witness_ahead_stops_a_log_whose_mark_was_restored_too() -> None:
    """With database *and* mark restored, the broker's own head still prevents the fork."""
    world, old = restored_world()
    world.store = old
    world.high_water.note = old.rows.head[1]
    world.log = world.open()
    world.add(1)
    with pytest.raises(LogUnavailableError, match="plus long") as caught:
        world.log.integrate()
    assert caught.value.params["ahead"] == 8


def test_a_mark_behind_is_moved_forward() -> None:
    """A host whose own mark is older, and consistent, catches up without signing anew."""
    world, old = restored_world()
    world.high_water.note = old.rows.head[1]
    signed = len(world.recorder.signed)
    world.log.integrate()
    assert world.high_water.note == world.store.rows.head[1]
    assert len(world.recorder.signed) == signed


@pytest.mark.parametrize("note", [b"", b"garbage", "— x\n".encode()])
def test_an_unreadable_mark_is_refused(note: bytes) -> None:
    """A damaged mark is as good as none: refused, with an error of this package."""
    world, _ = restored_world()
    world.high_water.note = note
    with pytest.raises(LogUnavailableError):
        world.log.integrate()


def test_the_mark_of_another_log_is_refused() -> None:
    """A key that does not go with database and mark is noticed before it signs."""
    world, _ = restored_world()
    other = AuditLog(
        world.store, world.high_water, signer("other.example/log"), (), lambda: None, world.clock
    )
    with pytest.raises(LogUnavailableError, match="configuration"):
        other.integrate()


def test_recovery_goes_on_from_the_head_that_it_names() -> None:
    """A recovery for the stored head lifts the mark; for any other checkpoint it is refused."""
    world, old = restored_world()
    world.policy_in_force, world.witnesses = None, {}
    world.store = old
    log = world.open()
    stored = Checkpoint.of_note(old.rows.head[1])
    for wrong in (replace(stored, size=4), replace(stored, root=bytes(32))):
        with pytest.raises(LogUnavailableError):
            log.recover(wrong)
    log.recover(stored)
    world.add()
    assert Checkpoint.of_note(log.integrate()).size == 6


def test_recovery_of_a_log_that_never_signed_is_refused() -> None:
    """There is no head to go on from."""
    world = LogWorld()
    with pytest.raises(LogUnavailableError):
        world.log.recover(Checkpoint(ORIGIN, 1, bytes(32)))
