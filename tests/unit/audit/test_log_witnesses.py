"""Witnesses that are away, late, wrong or lying: what the log publishes, and when."""

from __future__ import annotations

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import (
    LogUnavailableError,
)
from audit.note import KeyType, Note
from audit.policy import LogPolicy, WitnessPolicy
from audit.receipts import verify_receipt
from tests.support.log_world import ORIGIN, LogWorld, MemoryWitness, signer


def test_without_the_quorum_nothing_is_published_and_nothing_lost() -> None:
    """With the broker down the caller gets an error; the events are published by a later call."""
    world = LogWorld()
    world.add(2)
    world.log.integrate()
    world.witnesses["broker"].up = False
    (ticket,) = world.add()
    for _ in range(3):
        with pytest.raises(LogUnavailableError, match="rien n'est perdu"):
            world.log.integrate()
    assert world.size() == 2
    with pytest.raises(LogUnavailableError):
        world.log.receipt(ticket)
    world.witnesses["broker"].up = True
    world.log.integrate()
    assert verify_receipt(world.log.receipt(ticket), world.policy).index == 2


def test_a_witness_that_the_quorum_can_spare_does_not_stop_the_log() -> None:
    """One of two independent witnesses may be down; when it is back it catches up by itself."""
    world = LogWorld()
    world.add(2)
    world.log.integrate()
    world.witnesses["academie"].up = False
    world.add(3)
    verified = world.policy.verify_checkpoint(world.log.integrate())
    assert set(verified.cosigned) == {"broker", "prefecture"}
    world.witnesses["academie"].up = True
    world.add(3)
    assert len(world.policy.verify_checkpoint(world.log.integrate()).cosigned) == 3


@pytest.mark.parametrize("believed", [0, 1, 3])
def test_a_wrong_belief_about_a_witness_is_corrected(believed: int) -> None:
    """A witness at another size than believed says so, and is asked again from there."""
    world = LogWorld()
    world.add(2)
    world.log.integrate()
    world.witnesses["broker"].believed = believed
    world.add(2)
    assert "broker" in world.policy.verify_checkpoint(world.log.integrate()).cosigned


def test_a_lying_witness_cannot_spoil_a_note() -> None:
    """A witness's line that does not verify is not published, nor one under the log's own name."""
    world = LogWorld()
    broken = world.witnesses["academie"]
    honest = broken.add_checkpoint

    def lie(old: int, proof, note: bytes) -> bytes:
        honest(old, proof, note)
        other = Checkpoint(ORIGIN, 1, bytes(32)).to_text()
        return broken.key.cosign(other, 5).to_line().encode()

    def impersonate(_old: int, _proof, _note: bytes) -> bytes:
        return signer(ORIGIN).sign(b"x\n")[0].to_line().encode()

    for answer in (lie, impersonate, lambda *_: b"garbage"):
        broken.add_checkpoint = answer  # type: ignore[method-assign]
        world.add()
        verified = world.policy.verify_checkpoint(world.log.integrate())
        assert set(verified.cosigned) == {"broker", "prefecture"}


@pytest.mark.parametrize("bootstrapping", [False, True])
def test_a_witness_cannot_replace_the_logs_signature(bootstrapping: bool) -> None:
    """A line under the log's own name and key, sent along with a good cosignature, is dropped."""
    world = LogWorld()
    world.policy_in_force = None if bootstrapping else world.policy
    broker = world.witnesses["broker"]
    honest = broker.add_checkpoint
    forged = signer(ORIGIN).sign(b"another text\n")[0].to_line().encode()
    broker.add_checkpoint = lambda *asked: honest(*asked) + forged  # type: ignore[method-assign]
    world.add()
    verified = world.policy.verify_checkpoint(world.log.integrate())
    assert "broker" in verified.cosigned


def test_before_the_first_policy_the_log_key_is_enough() -> None:
    """Bootstrapping: signed by the log, cosigned where possible, published in any case."""
    world = LogWorld()
    world.policy_in_force = None
    world.add()
    world.witnesses["broker"].up = False
    note = Note.parse(world.log.integrate())
    note.verify([world.log_key.verifier])
    world.witnesses["broker"].up = True
    world.policy_in_force = world.policy
    assert len(world.policy.verify_checkpoint(world.log.integrate()).cosigned) == 3


def test_a_new_policy_gets_its_cosignatures() -> None:
    """When the policy in force changes, the published head is cosigned to meet it."""
    world = LogWorld()
    world.add(3)
    world.log.integrate()
    added = MemoryWitness(
        signer(f"{ORIGIN}/tribunal", KeyType.COSIGNATURE_V1, 77),
        [world.log_key.verifier],
        world.clock,
    )
    text = world.policy_text().replace("quorum all-of", "").rstrip()
    text += (
        f"\nwitness tribunal {added.key.verifier}\ngroup more all all-of tribunal\nquorum more\n"
    )
    world.policy_in_force = LogPolicy(ORIGIN, world.policy.log_keys, WitnessPolicy.parse(text))
    with pytest.raises(LogUnavailableError):
        world.log.integrate()
    world.witnesses["tribunal"] = added
    world.log = world.open()
    assert "tribunal" in world.policy_in_force.verify_checkpoint(world.log.integrate()).cosigned
