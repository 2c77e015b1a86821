"""A crash at every step: no acknowledged event is lost, and no two signed heads contradict."""

from __future__ import annotations

import itertools

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import LogUnavailableError
from audit.merkle import EMPTY_ROOT, leaf_hash, root_of
from audit.receipts import verify_receipt
from tests.support.log_world import LogWorld

STEPS = (
    "pending",
    "assign",
    "write_tile",
    "commit",
    "commit done",
    "mark",
    "mark done",
    "publish",
    "publish done",
)
"""Each "done" is a write that lasted although its caller saw a failure."""


class Crash(Exception):
    """The process died here."""


class CrashAt:
    """Raises at the nth time that a step (any, if it is "") is reached, once."""

    def __init__(self) -> None:
        self.step, self.left = "", 0
        self.fired = False

    def arm(self, step: str, occurrence: int) -> None:
        self.step, self.left, self.fired = step, occurrence, False

    def disarm(self) -> None:
        self.left = 0

    def __call__(self, step: str) -> None:
        if self.left and self.step in {step, ""}:
            self.left -= 1
            if not self.left:
                self.fired = True
                raise Crash(step)


def crashing_world() -> tuple[LogWorld, CrashAt]:
    fault = CrashAt()
    return LogWorld(fault), fault


def assert_no_fork(world: LogWorld) -> None:
    """Every head that was ever signed, and every one a witness saw, is a prefix of one tree."""
    final = world.store.leaves(0, len(world.store.rows.tickets))
    hashes = [leaf_hash(leaf) for leaf in final]
    seen = [each for witness in world.witnesses.values() for each in witness.seen]
    for head in [*world.recorder.signed, *seen]:
        assert head.size <= len(hashes)
        assert head.root == (root_of(hashes[: head.size]) if head.size else EMPTY_ROOT)


def assert_all_there(world: LogWorld, tickets: list[int]) -> None:
    indices = [verify_receipt(world.log.receipt(ticket), world.policy).index for ticket in tickets]
    assert sorted(indices) == list(range(len(tickets)))


@pytest.mark.parametrize("begun", [0, 254], ids=["empty", "grown"])
def test_a_crash_at_any_step_loses_nothing_and_forks_nothing(begun: int) -> None:
    """At each step in turn: after crash and restart all events are published once, and no signed
    head contradicts another."""
    crashes = 0
    for count in itertools.count(1):
        world, fault = crashing_world()
        tickets = world.add(begun)
        if begun:
            world.log.integrate()
        acknowledged = world.size()
        tickets += world.add(5)
        fault.arm("", count)
        try:
            world.log.integrate()
        except Crash:
            crashes += 1
        fault.disarm()
        assert world.size() >= acknowledged
        tickets += world.add(2)
        world.log = world.open()
        world.log.integrate()
        assert_all_there(world, tickets)
        assert_no_fork(world)
        if not fault.fired:
            break
    assert crashes >= len(STEPS)


def test_every_step_is_reached() -> None:
    """The list of steps is that of an integration: none is left out, none is never reached."""
    reached: set[str] = set()
    world = LogWorld(reached.add)
    world.add(3)
    world.log.integrate()
    assert reached == set(STEPS)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(STEPS, repeat=2)))
def test_two_crashes_in_a_row(first: str, second: str) -> None:
    """Crashing again during the recovery of the first crash changes nothing."""
    world, fault = crashing_world()
    tickets = world.add(3)
    for step in (first, second):
        fault.arm(step, 1)
        try:
            world.log.integrate()
        except Crash:
            tickets += world.add(1)
    fault.disarm()
    world.log = world.open()
    world.log.integrate()
    assert_all_there(world, tickets)
    assert_no_fork(world)


@pytest.mark.parametrize("step", STEPS)
def test_a_late_commit_of_an_early_ticket_forks_nothing(step: str) -> None:
    """Tickets may become visible out of order (SQL sequences do): what is ordered stays ordered."""
    world, fault = crashing_world()
    (early,) = world.add()
    hidden = world.store.rows.entries.pop(early)
    tickets = [early, *world.add(3)]
    fault.arm(step, 2 if step.startswith("commit") else 1)
    try:
        world.log.integrate()
    except Crash:
        assert fault.fired
    world.store.rows.entries[early] = hidden
    world.log = world.open()
    world.log.integrate()
    assert_all_there(world, tickets)
    assert_no_fork(world)


@pytest.mark.parametrize("begun", [0, 2])
def test_a_signed_head_that_was_not_published_is_published_as_it_is(begun: int) -> None:
    """After a crash behind the mark its own note becomes the head: no second one is signed."""
    world, fault = crashing_world()
    if begun:
        world.add(begun)
        world.log.integrate()
    world.add(3)
    fault.arm("mark done", 1)
    with pytest.raises(Crash):
        world.log.integrate()
    head = world.recorder.signed[-1]
    world.log = world.open()
    assert Checkpoint.of_note(world.log.integrate()) == head
    assert head.size == begun + 3
    assert world.store.rows.head == (head.size, world.high_water.note)


def test_a_witness_that_answered_before_the_crash_is_asked_again() -> None:
    """A cosignature lost on its way is given again: the witness sees the same head twice."""
    world, fault = crashing_world()
    world.add(3)
    fault.arm("publish", 1)
    with pytest.raises(Crash):
        world.log.integrate()
    world.log = world.open()
    world.log.integrate()
    assert [each.size for each in world.witnesses["broker"].seen] == [3, 3]
    assert_no_fork(world)


def test_a_database_restored_while_a_signature_was_unpublished_is_refused() -> None:
    """The mark is written before the head is published: even a head that nobody saw holds."""
    world, fault = crashing_world()
    world.add(3)
    fault.arm("mark done", 1)
    with pytest.raises(Crash):
        world.log.integrate()
    world.store.rows.tickets.clear()
    world.store.rows.index_of.clear()
    world.store.rows.tiles.clear()
    with pytest.raises(LogUnavailableError, match="recovery"):
        world.open().integrate()
