"""Witnesses are asked together, and a slow or dead one holds nobody up for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from audit import cosigning
from audit.checkpoint import Checkpoint
from audit.errors import LogUnavailableError
from tests.support.log_world import LogWorld


@contextmanager
def stuck(world: LogWorld, name: str) -> Iterator[None]:
    """The witness of that name answers only at the end."""
    witness, release = world.witnesses[name], threading.Event()
    answer = witness.add_checkpoint

    def slow(*request: object) -> bytes:
        release.wait(20)
        return answer(*request)  # type: ignore[arg-type]

    witness.add_checkpoint = slow  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        release.set()
        witness.add_checkpoint = answer  # type: ignore[method-assign]


def test_a_stuck_witness_that_is_not_needed_costs_a_moment() -> None:
    """With the quorum met by the others, the head is public after the grace period."""
    world = LogWorld()
    world.add(1)
    world.log.integrate()
    world.add(1)
    with stuck(world, "academie"):
        began = time.monotonic()
        note = world.log.integrate()
        assert time.monotonic() - began < cosigning.GATHERING_SECONDS
    verified = world.policy.verify_checkpoint(note)
    assert verified.checkpoint.size == 2
    assert "academie" not in verified.cosigned


def test_a_stuck_witness_that_is_needed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a quorum the caller is told after the time limit, and the event is kept."""
    monkeypatch.setattr(cosigning, "GATHERING_SECONDS", 0.3)
    world = LogWorld()
    world.add(1)
    first = world.log.integrate()
    ticket = world.add(1)[-1]
    with (
        stuck(world, "broker"),
        pytest.raises(LogUnavailableError, match="n'a pas répondu à temps"),
    ):
        world.log.integrate()
    assert world.log.checkpoint() == first
    assert Checkpoint.of_note(world.log.integrate()).size == 2
    assert world.log.receipt(ticket)


def test_the_quorum_can_be_tried_without_an_event() -> None:
    """``require_quorum`` says whether a head could be published, and changes nothing."""
    world = LogWorld()
    world.log.require_quorum()  # before the first head there is nothing to cosign
    world.add(3)
    first = world.log.integrate()
    world.log.require_quorum()
    world.witnesses["broker"].up = False
    with pytest.raises(LogUnavailableError, match="Trop peu de témoins"):
        world.log.require_quorum()
    assert world.log.checkpoint() == first
