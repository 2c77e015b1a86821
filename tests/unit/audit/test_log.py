"""The log as its callers see it: everything committed is published, provable, and never undone."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.checkpoint import Checkpoint
from audit.entries import parse_leaf
from audit.errors import (
    DisclosureErasedError,
    LogFormatError,
    LogUnavailableError,
    LogVerificationError,
    NotInLogError,
)
from audit.log import COSIGNATURE_LIFE, AuditLog
from audit.merkle import leaf_hash, root_of, verify_consistency
from audit.note import KeyType, Note
from audit.policy import LogPolicy, WitnessPolicy
from audit.receipts import verify_receipt
from audit.tiles import TILE_WIDTH, TilePath, parse_bundle
from tests.support.log_world import ORIGIN, LogWorld, MemoryWitness, files_of, signer
from tests.support.memory_log import MemoryHighWater, MemoryLogStore


def head_of(world: LogWorld) -> Checkpoint:
    note = world.log.checkpoint()
    assert note is not None
    return world.policy.verify_checkpoint(note).checkpoint


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


# --- witnesses ----------------------------------------------------------------------------------


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


# --- restored and foreign databases -------------------------------------------------------------


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


# --- damaged storage ----------------------------------------------------------------------------


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("tile", "at"), [((0, 0), 40), ((0, 1), 3), ((1, 0), 33), ((0, 2), 0), ((0, 2), 95)]
)
def test_a_bit_flipped_while_writing_is_found_before_signing(
    tile: tuple[int, int], at: int
) -> None:
    """What was stored is read back: one wrong bit in any tile of the batch stops the signature."""
    world = LogWorld()
    world.log.integrate()
    world.add(515)
    flipped = False

    def corrupt(step: str) -> None:
        nonlocal flipped
        if step == "commit done" and not flipped:
            flipped = True
            world.store.rows.tiles[tile] = flip(world.store.rows.tiles[tile], at)

    world.store.fault = corrupt
    signed = len(world.recorder.signed)
    with pytest.raises(LogUnavailableError, match="tuile"):
        world.log.integrate()
    assert flipped
    assert len(world.recorder.signed) == signed


def test_a_changed_right_edge_is_found_before_extending() -> None:
    """A tile changed under the head is noticed before any index is given on top of it."""
    world = LogWorld()
    world.add(5)
    world.log.integrate()
    world.store.rows.tiles[0, 0] = flip(world.store.rows.tiles[0, 0], 7)
    world.add()
    with pytest.raises(LogUnavailableError, match="restaurée ou abîmée"):
        world.log.integrate()
    assert len(world.store.rows.tickets) == 5


def test_a_tile_that_is_too_long_is_found_before_extending() -> None:
    """A hash too many above the leaves would shift every later one: nothing is ordered upon it."""
    world = LogWorld()
    world.add(511)
    world.log.integrate()
    world.store.rows.tiles[1, 0] += bytes(32)
    world.add()
    with pytest.raises(LogUnavailableError, match="tile/1/000"):
        world.log.integrate()
    assert len(world.store.rows.tickets) == 511


def test_a_tile_that_is_no_tile_is_an_outage() -> None:
    """Whatever storage returns, the caller of ``integrate`` sees the one error that it expects."""
    world = LogWorld()
    world.add(3)
    world.log.integrate()
    world.store.rows.tiles[0, 0] += b"x"
    with pytest.raises(LogUnavailableError, match="stockage"):
        world.log.integrate()


def test_a_changed_leaf_is_found_before_signing() -> None:
    """An entry changed between ordering and signing does not get under a signature."""
    world = LogWorld()
    world.log.integrate()
    (ticket,) = world.add()

    def corrupt(step: str) -> None:
        if step == "commit done":
            entry = world.store.rows.entries[ticket]
            world.store.rows.entries[ticket] = replace(entry, leaf=b"{}")

    world.store.fault = corrupt
    with pytest.raises(LogUnavailableError, match="rien n'a été signé"):
        world.log.integrate()


def test_a_missing_published_tile_is_said() -> None:
    """A tile that storage lost is an outage with a message, not short data."""
    world = LogWorld()
    world.add(3)
    world.log.integrate()
    world.store.rows.tiles[0, 0] = world.store.rows.tiles[0, 0][:32]
    with pytest.raises(LogUnavailableError):
        world.log.tile(0, 0, 3)


def test_integration_reads_the_right_edge_only() -> None:
    """One more event in a log of 70,000 reads a handful of tiles, not all 277."""
    world = LogWorld()
    world.add(70_000)
    world.log.integrate()
    reads: list[tuple[int, int]] = []
    tiles = world.store.rows.tiles

    class Counting(dict):
        def get(self, key, default=None):
            reads.append(key)
            return super().get(key, default)

    world.store.rows.tiles = Counting(tiles)
    (ticket,) = world.add()
    world.log.integrate()
    world.log.receipt(ticket)
    assert len(set(reads)) <= 8
    assert len(reads) < 80


def test_a_note_that_lost_its_log_signature_is_not_believed() -> None:
    """The policy's verifier is what stands between a reader and a forged head."""
    world = LogWorld()
    world.add()
    note = Note.parse(world.log.integrate())
    cosigned_only = Note(note.text, tuple(each for each in note.signatures if each.name != ORIGIN))
    with pytest.raises(LogVerificationError):
        world.policy.verify_checkpoint(cosigned_only.to_bytes())


def test_memory_store_keeps_the_promises_of_the_ports() -> None:
    """The stand-in refuses what SQL must refuse: reused indices, changed tiles."""
    store = MemoryLogStore()
    world = LogWorld()
    world.store = store
    world.add(2)
    for spoil in (
        lambda step: step.assign(1, step.pending(1)),
        lambda step: (step.write_tile(0, 0, b"a" * 32), step.write_tile(0, 0, b"b" * 32)),
    ):
        with pytest.raises(LogUnavailableError), store.integration() as transaction:
            spoil(transaction)
    assert store.rows.head is None
    assert not store.rows.tickets
    store.publish(2, b"2", b"two")
    store.publish(1, b"1", b"one")
    assert store.published() == b"two"
    assert store.rows.head == (2, b"2")
    assert MemoryHighWater().read() is None


def test_a_path_never_has_two_contents() -> None:
    """Whatever file of the log was served once, partial ones too, has the same bytes for ever."""
    world, served = LogWorld(), dict[str, bytes]()
    for count in (1, 1, 3, 250, 1, 1, 255, 600, 2):
        world.add(count)
        world.log.integrate()
        for path, data in files_of(world.log).items():
            if path != "checkpoint":
                assert served.setdefault(path, data) == data, path
        for path, data in served.items():
            tile = TilePath.parse(path)
            width = None if tile.width == TILE_WIDTH else tile.width
            again = (
                world.log.entries_tile(tile.number, width)
                if tile.level is None
                else world.log.tile(tile.level, tile.number, width)
            )
            assert again == data, path
    assert len(served) == 25
