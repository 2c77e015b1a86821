"""Tile paths and tile arithmetic (C2SP tlog-tiles v0.1.0), and reading subtrees out of tiles.

A tile of level L holds up to 256 hashes; hash i of tile n stands for 256^L leaves. Only full tiles
have a hash in the level above.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from audit.errors import LogFormatError, LogUnavailableError
from audit.merkle import HASH_BYTES, MAX_TREE_SIZE, root_of

TILE_WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""

TILE_HEIGHT: Final = 8
"""Tree levels that one tile spans."""

FULL_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES

MAX_LEVEL: Final = 63
"""Highest level in a path (tlog-tiles, "Parameters"); level 7 is never reached before 2⁵⁶ leaves."""

MAX_ENTRY_BYTES: Final = 65_535
"""A bundle gives each entry's length in two bytes."""

REMEMBERED_ROOTS: Final = 256
"""Subtrees of the right edge and of proofs, at most 4 KiB each: a megabyte at most."""

_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)

TileReader = Callable[[int, int], bytes]
"""``read(level, number)``: the hashes of that tile (32 bytes each, perhaps more than needed)."""


@dataclass(frozen=True)
class TilePath:
    """Which tile or bundle (``level`` None) a path names; ``width`` is 256 for a full one."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        level_known = self.level is None or 0 <= self.level <= MAX_LEVEL
        if not level_known or not 0 <= self.number <= MAX_TREE_SIZE >> TILE_HEIGHT:
            raise LogFormatError("Cette tuile n'existe dans aucun journal.")
        if not 1 <= self.width <= TILE_WIDTH:
            raise LogFormatError("Une tuile a entre 1 et 256 éléments.")

    def __str__(self) -> str:
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_number_path(self.number)}{partial}"

    @classmethod
    def parse(cls, path: str) -> TilePath:
        """Read ``tile/<L>/<N>[.p/<W>]`` in its one spelling; raises LogFormatError."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise LogFormatError("Ce chemin n'est pas celui d'une tuile.")
        level = None if match["level"] == "entries" else int(match["level"])
        number = int(match["number"].replace("/", "").replace("x", ""))
        parsed = cls(level, number, int(match["width"] or TILE_WIDTH))
        if str(parsed) != path:  # x000/001, .p/256
            raise LogFormatError("Ce chemin de tuile n'est pas sous sa forme canonique.")
        return parsed


def tiles_of(size: int) -> Iterator[TilePath]:
    """Every hash tile of a tree of ``size`` leaves, level by level, the partial one last."""
    level = 0
    while size:
        full, partial = divmod(size, TILE_WIDTH)
        yield from (TilePath(level, number) for number in range(full))
        if partial:
            yield TilePath(level, full, partial)
        size, level = full, level + 1


def bundles_of(size: int) -> Iterator[TilePath]:
    """Every bundle of entries of a tree of ``size`` leaves."""
    full, partial = divmod(size, TILE_WIDTH)
    yield from (TilePath(None, number) for number in range(full))
    if partial:
        yield TilePath(None, full, partial)


def width_at(level: int, number: int, size: int) -> int:
    """How many hashes tile ``number`` of ``level`` has in a tree of ``size`` leaves (0 to 256)."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH))


def split_tile(data: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile; raises LogFormatError."""
    if len(data) % HASH_BYTES or len(data) > FULL_TILE_BYTES:
        raise LogFormatError("Une tuile est une suite d'au plus 256 empreintes de 32 octets.")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries of one bundle, each after its length in two bytes, big-endian."""
    if len(entries) > TILE_WIDTH or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise LogFormatError("Un lot contient au plus 256 entrées d'au plus 65 535 octets.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def parse_bundle(data: bytes, count: int) -> tuple[bytes, ...]:
    """The ``count`` entries of a bundle; raises LogFormatError on any other number."""
    each = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
    if len(data) == count * each and all(
        data[place::each] == data[place : place + 1] * count for place in range(_LENGTH_BYTES)
    ):  # all of one length, as those of our log are
        return tuple([data[at + _LENGTH_BYTES : at + each] for at in range(0, len(data), each)])
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < count:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != len(data) or len(entries) != count:
        raise LogFormatError("Un lot d'entrées est coupé, ou en contient plus qu'annoncé.")
    return tuple(entries)


@lru_cache(maxsize=REMEMBERED_ROOTS)
def _root_of_part(part: bytes) -> bytes:
    """The root over the hashes in ``part``. A growing log asks for the same subtrees of its right
    edge again and again; what is remembered hangs on the bytes that were read, and on nothing else.
    """
    return root_of(split_tile(part))


class TileHashes:
    """A ``merkle.SubtreeReader`` over tiles. Keeps the tiles it read: make one per operation."""

    def __init__(self, read: TileReader) -> None:
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The root of 2^level leaves, from at most 128 hashes of one tile."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        number, offset = divmod(first, TILE_WIDTH)
        data = self._tile(tile_level, number)
        part = data[offset * HASH_BYTES : (offset + (1 << height)) * HASH_BYTES]
        if len(part) != HASH_BYTES << height:
            raise LogUnavailableError(
                "La tuile {tile} du journal est incomplète : restaurez le stockage du journal.",
                tile=str(TilePath(tile_level, number)),
            )
        return _root_of_part(part)

    def _tile(self, level: int, number: int) -> bytes:
        key = (level, number)
        if key not in self._tiles:
            self._tiles[key] = self._read(level, number)
        return self._tiles[key]


def _number_path(number: int) -> str:
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    return "/".join(reversed(groups))
