"""What a reader verified before, against the log shown now: one that was rewritten, or set back.

A copy of a log stands alone: rightly signed, it may still be another history than last month's. Whoever
verified that one kept its checkpoint, and its root must lie in the tree shown now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from audit.bundle_reading import LogReader
from audit.checkpoint import Checkpoint
from audit.merkle import tree_root
from audit.tiles import TileHashes, tiles_of

TOLERANCE: Final = timedelta(minutes=5)
"""The broker's clock may have been set right between two of its cosignatures."""


@dataclass(frozen=True)
class Seen:
    """A checkpoint that was verified before, and when the broker had cosigned it."""

    note: bytes
    at: datetime

    @property
    def checkpoint(self) -> Checkpoint:
        """Origin, size and root."""
        return Checkpoint.of_note(self.note)


class Contradiction(StrEnum):
    """How the log shown now disagrees."""

    FORKED = "forked"
    """Its tree does not begin with the one seen."""
    ROLLED_BACK = "rolled-back"
    """It is shorter, and was cosigned later."""


def contradictions(
    log: LogReader, head: Checkpoint, head_at: datetime, seen: Iterable[Seen]
) -> Iterator[tuple[Seen, Contradiction]]:
    """Those of ``seen``, of the same origin, that the log contradicts. Its structure must hold.

    An older copy, cosigned before what was seen, contradicts nothing and is compared with what is
    older still.
    """
    tiles = {(path.level, path.number): path for path in tiles_of(head.size)}

    def read_tile(level: int, number: int) -> bytes:
        path = tiles.get((level, number))
        return (log.read(str(path)) if path else None) or b""

    hashes = TileHashes(read_tile)
    for each in seen:
        known = each.checkpoint
        if known.origin != head.origin:
            continue
        if known.size <= head.size and tree_root(known.size, hashes) != known.root:
            yield each, Contradiction.FORKED
        if known.size > head.size and head_at > each.at + TOLERANCE:
            yield each, Contradiction.ROLLED_BACK
