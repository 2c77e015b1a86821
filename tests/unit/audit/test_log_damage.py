"""Storage that changes what was written: found before it is signed or extended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.errors import (
    LogUnavailableError,
    LogVerificationError,
)
from audit.note import Note
from audit.tiles import TILE_WIDTH, TilePath
from tests.support.log_world import ORIGIN, LogWorld, files_of
from tests.support.memory_log import MemoryHighWater, MemoryLogStore


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
