"""Files of two slots: what a write cut short leaves, and what it does not leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.broker.errors import BrokerStoreError
from exchange.broker.slots import HEADER_BYTES, PAGE_BYTES, SlotFile


@pytest.fixture
def slots(tmp_path: Path) -> SlotFile:
    made = SlotFile(tmp_path / "state.slots", 2 * PAGE_BYTES)
    made.create(b"one")
    return made


def test_the_last_content_counts(slots: SlotFile) -> None:
    """Of any length up to the slot's, and the file never grows."""
    for length in (0, 1, PAGE_BYTES - HEADER_BYTES, PAGE_BYTES, 2 * PAGE_BYTES - HEADER_BYTES, 3):
        content = os.urandom(length)
        slots.write(content)
        assert slots.read() == content
        assert SlotFile(slots.path, 2 * PAGE_BYTES).read() == content
        assert slots.path.stat().st_size == 4 * PAGE_BYTES
        assert slots.path.stat().st_mode & 0o777 == 0o600


def test_a_write_cut_anywhere_leaves_the_old_content(slots: SlotFile) -> None:
    """Whichever part of the new slot reached the medium: the old content, or all of the new."""
    slots.write(b"two")
    before = slots.path.read_bytes()
    slots.write(b"three" * 20)
    after = slots.path.read_bytes()
    end = HEADER_BYTES + 100
    for cut in range(end + 1):
        for part in (after[:cut] + before[cut:end], before[:cut] + after[cut:end]):
            slots.path.write_bytes(part + before[end:])
            whole = part == after[:end]
            assert slots.read() == (b"three" * 20 if whole else b"two")
            slots.write(b"goes on")
            assert slots.read() == b"goes on"


def test_nothing_earlier_is_left_beside(slots: SlotFile) -> None:
    """An earlier content stands nowhere in the file: it could be put back by spoiling the present one."""
    slots.write(b"an earlier state")
    slots.write(b"the state after that")
    assert b"earlier" not in slots.path.read_bytes()


def test_the_old_slot_is_wiped_after_the_flush_only(
    slots: SlotFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the new slot is on the medium the old one is the only one."""
    calls: list[str] = []
    for name in ("pwrite", "fdatasync"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, n=name, r=real: (calls.append(n), r(*a))[1])
    slots.write(b"one more")
    calls.clear()
    slots.write(b"two")
    assert calls == ["pwrite", "fdatasync", "pwrite"]
    another = SlotFile(slots.path, 2 * PAGE_BYTES)  # it did not flush what it finds
    calls.clear()
    another.write(b"three")
    assert calls == ["fdatasync", "pwrite", "fdatasync", "pwrite"]


def test_too_much_is_refused(slots: SlotFile) -> None:
    """What does not fit is an error, and the content stays."""
    with pytest.raises(BrokerStoreError):
        slots.write(bytes(2 * PAGE_BYTES))
    assert slots.read() == b"one"


@pytest.mark.parametrize("data", [b"", b"{}garbage", bytes(4 * PAGE_BYTES), b"\xff" * 100])
def test_what_is_no_slot_is_an_error(slots: SlotFile, data: bytes) -> None:
    """A file without a whole slot is damaged, and is not written to."""
    slots.path.write_bytes(data)
    with pytest.raises(BrokerStoreError):
        slots.read()
    with pytest.raises(BrokerStoreError):
        slots.write(b"new")
    assert slots.path.read_bytes() == data


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """It is not taken for an empty one."""
    slots = SlotFile(tmp_path / "nothing", PAGE_BYTES)
    assert not slots.exists()
    with pytest.raises(BrokerStoreError):
        slots.read()
