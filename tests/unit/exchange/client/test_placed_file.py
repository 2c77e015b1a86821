"""A file written at places."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.client.files import appearing
from exchange.client.placed_file import PlacedFile


def test_places_count_from_what_was_written_in_order(tmp_path: Path) -> None:
    """Head in order, then pieces at their places in any order: one whole file."""
    with appearing(tmp_path / "whole") as handle:
        sink = PlacedFile(handle)
        sink.write(b"he")
        sink.write(b"ad")
        sink.write_at(b"two", 3)
        sink.write_at(memoryview(b"one"), 0)
    assert (tmp_path / "whole").read_bytes() == b"headonetwo"


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    """What the system cannot write is not passed over in silence."""
    with Path("/dev/full").open("wb", buffering=0) as handle, pytest.raises(OSError, match="space"):
        PlacedFile(handle).write(b"x")
