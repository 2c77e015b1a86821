"""Tile paths and geometry, with the examples of tlog-tiles."""

from __future__ import annotations

import pytest

from audit.errors import LogFormatError, LogUnavailableError
from audit.merkle import leaf_hash, root_of, tree_root
from audit.tiles import (
    TileHashes,
    TilePath,
    bundles_of,
    encode_bundle,
    parse_bundle,
    split_tile,
    tiles_of,
    width_at,
)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/000", TilePath(0, 0)),
        ("tile/1/000.p/1", TilePath(1, 0, 1)),
        ("tile/0/x001/x234/067", TilePath(0, 1_234_067)),
        ("tile/0/x001/x234/067.p/8", TilePath(0, 1_234_067, 8)),
        ("tile/63/999.p/255", TilePath(63, 999, 255)),
        ("tile/entries/x001/000", TilePath(None, 1000)),
        ("tile/entries/273.p/112", TilePath(None, 273, 112)),
    ],
)
def test_paths_are_those_of_the_specification(path: str, tile: TilePath) -> None:
    """Each path reads as its tile, and the tile writes that path."""
    assert TilePath.parse(path) == tile
    assert str(tile) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x1/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/08",
        "tile/0/000.p/999",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/../000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x999/" * 90 + "999",
        "tile/0/٠٠٠",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    """No second spelling of a tile exists, and nothing that is not a tile."""
    with pytest.raises(LogFormatError):
        TilePath.parse(path)


def test_geometry_of_70000_leaves() -> None:
    """The example that was measured: 273 full tiles and one of 112, and two levels above."""
    paths = [str(path) for path in tiles_of(70_000)]
    assert paths.count("tile/0/273.p/112") == 1
    assert [path for path in paths if not path.startswith("tile/0/")] == [
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert len(paths) == 274 + 3
    assert len(list(bundles_of(70_000))) == 274


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_geometry_at_the_edges(size: int, expected: list[str]) -> None:
    """Only full tiles have a hash above, and no tile of width 0 exists."""
    assert [str(path) for path in tiles_of(size)] == expected
    for path in tiles_of(size):
        assert path.level is not None
        assert width_at(path.level, path.number, size) == path.width
    assert width_at(0, 2, size) == 0


def test_bundles_come_back_as_they_were() -> None:
    """Entries of any length up to the format's limit survive; a longer one is refused."""
    entries = (b"", b"a", b"b" * 65_535)
    assert parse_bundle(encode_bundle(entries), 3) == entries
    with pytest.raises(LogFormatError):
        encode_bundle([b"c" * 65_536])
    with pytest.raises(LogFormatError):
        encode_bundle([b""] * 257)


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 1),
        (b"\0\1a", 0),
        (b"\0\1a", 2),
        (b"\0\2a", 1),
        (b"\0", 1),
        (b"\0\1a\0", 1),
        (b"\0\1a\0", 2),
    ],
)
def test_bundles_with_another_number_of_entries_are_refused(data: bytes, count: int) -> None:
    """A cut bundle, or one with more or fewer entries than its width, is not read."""
    with pytest.raises(LogFormatError):
        parse_bundle(data, count)


def test_a_tile_is_whole_hashes() -> None:
    """A tile's length is a multiple of 32 bytes, at most 8,192."""
    assert len(split_tile(bytes(8192))) == 256
    for length in (31, 33, 8193, 8224):
        with pytest.raises(LogFormatError):
            split_tile(bytes(length))


def test_subtrees_are_read_from_the_level_that_has_them() -> None:
    """Roots come out of tiles as out of the leaves, and a missing hash is noticed."""
    leaves = [leaf_hash(bytes([index % 251])) for index in range(700)]
    level_1 = b"".join(root_of(leaves[at : at + 256]) for at in (0, 256))
    tiles = {(0, n): b"".join(leaves[n * 256 : n * 256 + 256]) for n in range(3)} | {
        (1, 0): level_1
    }
    read = TileHashes(lambda level, number: tiles.get((level, number), b""))
    for size in (1, 2, 255, 256, 257, 512, 513, 699, 700):
        assert tree_root(size, read) == root_of(leaves[:size])
    with pytest.raises(LogUnavailableError, match="tile/0/002"):
        tree_root(701, TileHashes(lambda level, number: tiles.get((level, number), b"")))
