"""The stored tree: extending its tiles by a batch, and re-reading what was written.

Only the right edge is touched: a batch of k entries costs about k hashes and k/256 tiles on every
level, whatever the size of the log.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.errors import LogUnavailableError
from audit.merkle import leaf_hash, root_of
from audit.ports import LogTransaction
from audit.tiles import (
    FULL_TILE_BYTES,
    TILE_WIDTH,
    TilePath,
    TileReader,
    split_tile,
)


def stored_size(read: TileReader, at_least: int) -> int:
    """How many leaves the tiles of level 0 hold; ``at_least`` is the size known so far."""
    number = at_least // TILE_WIDTH
    while len(data := read(0, number)) == FULL_TILE_BYTES:
        number += 1
    return number * TILE_WIDTH + len(split_tile(data))


def extend(transaction: LogTransaction, size: int, hashes: Sequence[bytes]) -> None:
    """Add leaf hashes after the first ``size``, and the hashes of the tiles that this completes."""
    level, first = 0, size
    while hashes:
        completed: list[bytes] = []
        for number, tile in _extended(transaction, level, first, hashes):
            transaction.write_tile(level, number, b"".join(tile))
            if len(tile) == TILE_WIDTH:
                completed.append(root_of(tile))
        hashes, level, first = completed, level + 1, first // TILE_WIDTH


def check_written(transaction: LogTransaction, old: int, new: int) -> None:
    """Read back what grew the tree from ``old`` to ``new`` leaves, and hash all of it again.

    Raises LogUnavailableError on the first difference. One flipped bit between hash and disk ended
    a public log for ever (Yeti, 2022); found before the signature, it costs a restored disk.
    """
    _check_leaves(transaction, old, new)
    level = 0
    while new > old and new >= TILE_WIDTH:
        old, new = old // TILE_WIDTH, new // TILE_WIDTH
        level += 1
        for slot in range(old, new):
            children = split_tile(transaction.read_tile(level - 1, slot))
            stored = split_tile(transaction.read_tile(level, slot // TILE_WIDTH))
            at = slot % TILE_WIDTH
            if at >= len(stored) or len(children) != TILE_WIDTH or stored[at] != root_of(children):
                raise _damaged(level, slot // TILE_WIDTH)


def _check_leaves(transaction: LogTransaction, old: int, new: int) -> None:
    first = old
    while first < new:
        number = first // TILE_WIDTH
        end = min(new, (number + 1) * TILE_WIDTH)
        stored = split_tile(transaction.read_tile(0, number))
        expected = tuple(leaf_hash(leaf) for leaf in transaction.leaves(first, end - first))
        part = stored[first % TILE_WIDTH : first % TILE_WIDTH + (end - first)]
        if len(expected) != end - first or part != expected:
            raise _damaged(0, number)
        first = end


def _extended(
    transaction: LogTransaction, level: int, first: int, hashes: Sequence[bytes]
) -> list[tuple[int, list[bytes]]]:
    """The (number, content) of each tile that ``hashes`` touch, from position ``first``."""
    number, offset = divmod(first, TILE_WIDTH)
    begun = split_tile(transaction.read_tile(level, number))
    if len(begun) != offset:
        raise _damaged(level, number)
    content = [*begun, *hashes]
    return [
        (number + at // TILE_WIDTH, content[at : at + TILE_WIDTH])
        for at in range(0, len(content), TILE_WIDTH)
    ]


def _damaged(level: int, number: int) -> LogUnavailableError:
    return LogUnavailableError(
        "La tuile {tile} du journal ne correspond pas aux événements enregistrés : rien n'a été "
        "signé. Vérifiez le stockage, puis restaurez-le avec « dossier restore ».",
        tile=str(TilePath(level, number)),
    )
