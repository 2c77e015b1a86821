"""The log as its callers see it: everything committed is published, provable, and never undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.checkpoint import Checkpoint
from audit.entries import parse_leaf
from audit.errors import (
    DisclosureErasedError,
    LogFormatError,
    LogUnavailableError,
    NotInLogError,
)
from audit.log import COSIGNATURE_LIFE
from audit.merkle import leaf_hash, root_of, verify_consistency
from audit.receipts import verify_receipt
from audit.tiles import parse_bundle
from tests.support.log_world import LogWorld, head_of


@pytest.mark.parametrize(
    "sizes", [(0, 1), (1, 255, 256, 257, 1_000), (70_000, 70_001), (256, 65_536)]
)
def test_the_published_root_is_that_of_all_events(sizes: tuple[int, ...]) -> None:
    """After each batch, of whatever size, the head is the RFC 6962 root over every event."""
    world = LogWorld()
    for size in sizes:
        world.add(size - world.size())
        world.log.integrate()
        head = head_of(world)
        leaves = world.store.leaves(0, size)
        assert head.size == size == len(leaves)
        assert head.root == root_of([leaf_hash(leaf) for leaf in leaves])
        for index in {0, size // 2, size - 1} - {-1} if size else ():
            assert verify_receipt(world.log.receipt_at(index), world.policy).index == index


def test_a_ticket_leads_to_its_receipt() -> None:
    """A ticket's receipt shows the event that was committed under it."""
    world = LogWorld()
    world.add(3)
    world.clock.advance(timedelta(minutes=5))
    (ticket,) = world.add()
    with pytest.raises(LogUnavailableError):
        world.log.receipt(ticket)
    world.log.integrate()
    verified = verify_receipt(world.log.receipt(ticket), world.policy)
    assert verified.index == 3
    assert verified.details.at == world.clock.now
    with pytest.raises(LogUnavailableError):
        world.log.receipt(ticket + 1)


def test_nothing_new_signs_nothing() -> None:
    """With nothing pending, the published note is returned as it is and no key is used."""
    world = LogWorld()
    world.add(2)
    first = world.log.integrate()
    signed = len(world.recorder.signed)
    assert world.log.integrate() == first
    assert len(world.recorder.signed) == signed


def test_a_quiet_log_is_cosigned_again() -> None:
    """A head older than a day gets fresh cosignatures; while witnesses are down it stays as it is."""
    world = LogWorld()
    world.add(2)
    first = world.log.integrate()
    world.clock.advance(COSIGNATURE_LIFE + timedelta(seconds=1))
    for witness in world.witnesses.values():
        witness.up = False
    assert world.log.integrate() == first
    for witness in world.witnesses.values():
        witness.up = True
    renewed = world.policy.verify_checkpoint(world.log.integrate())
    assert set(renewed.cosigned.values()) == {int(world.clock.now.timestamp())}
    assert Checkpoint.of_note(first) == renewed.checkpoint


def test_reading_is_bounded_by_what_is_published() -> None:
    """Tiles, bundles, receipts and proofs stop at the published head, also when more is stored."""
    world = LogWorld()
    world.add(257)
    world.log.integrate()
    world.witnesses["broker"].up = False
    world.add(10)
    with pytest.raises(LogUnavailableError):
        world.log.integrate()
    assert len(world.store.read_tile(0, 1)) == 11 * 32
    assert len(world.log.tile(0, 0, None)) == 8_192
    assert len(world.log.tile(0, 1, 1)) == 32
    assert len(parse_bundle(world.log.entries_tile(1, 1), 1)) == 1
    for read in (
        lambda: world.log.tile(0, 1, 2),
        lambda: world.log.tile(0, 1, None),
        lambda: world.log.tile(0, 2, 1),
        lambda: world.log.tile(1, 0, 2),
        lambda: world.log.tile(2, 0, 1),
        lambda: world.log.entries_tile(1, 2),
        lambda: world.log.receipt_at(257),
        lambda: world.log.receipt_at(-1),
        lambda: world.log.consistency(1, 258),
        lambda: world.log.consistency(3, 2),
        lambda: world.log.consistency(-1, 2),
    ):
        with pytest.raises(NotInLogError):
            read()
    with pytest.raises(LogFormatError):
        world.log.tile(0, 0, 0)


def test_bundles_hold_the_leaves() -> None:
    """A bundle is exactly the leaves of its range, and its leaves are well formed."""
    world = LogWorld()
    world.add(300)
    world.log.integrate()
    entries = parse_bundle(world.log.entries_tile(0, None), 256) + parse_bundle(
        world.log.entries_tile(1, 44), 44
    )
    assert list(entries) == list(world.store.leaves(0, 300))
    assert all(parse_leaf(entry) for entry in entries)


def test_consistency_between_any_two_published_sizes() -> None:
    """The served proofs join every pair of heads that were published."""
    world = LogWorld()
    heads = []
    for count in (0, 1, 2, 250, 10, 700):
        world.add(count)
        world.log.integrate()
        heads.append(head_of(world))
    for old in heads:
        for new in heads:
            if old.size <= new.size:
                proof = world.log.consistency(old.size, new.size)
                verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_receipts_of_several_events_are_of_one_head() -> None:
    """Made together they are what each alone would be; an erased one is missing, and with one that is
    not published none is made.
    """
    world = LogWorld()
    tickets = world.add(300)
    world.log.integrate()
    wanted = [tickets[n] for n in (0, 255, 256, 299)]
    together = world.log.receipts(wanted)
    assert together == {ticket: world.log.receipt(ticket) for ticket in wanted}
    assert world.log.receipts([]) == {}
    world.store.erase(255)
    assert set(world.log.receipts(wanted)) == set(wanted) - {tickets[255]}
    (pending,) = world.add()
    with pytest.raises(LogUnavailableError):
        world.log.receipts([*wanted, pending])


def test_the_log_begins_with_its_own_heads_alone() -> None:
    """Every published head is one of its beginnings; another root, or a larger size, is none."""
    world, other = LogWorld(), LogWorld()
    for count in (1, 255, 3):
        world.add(count)
        world.log.integrate()
        seen = head_of(world)
        assert world.log.begins_with(seen)
        assert not world.log.begins_with(replace(seen, root=b"x" * 32))
        assert not world.log.begins_with(replace(seen, size=seen.size + 1))
    other.clock.advance(timedelta(minutes=1))
    other.add(world.size())
    other.log.integrate()
    assert not world.log.begins_with(head_of(other))


def test_erased_details_leave_the_log_whole() -> None:
    """After erasure the entry has no receipt any more, and every other receipt still verifies."""
    world = LogWorld()
    world.add(3)
    world.log.integrate()
    world.store.erase(1)
    with pytest.raises(DisclosureErasedError):
        world.log.receipt_at(1)
    world.add()
    world.log.integrate()
    assert verify_receipt(world.log.receipt_at(2), world.policy).index == 2
