"""One bundle of entries against its tile: hashes, the tile's root, and the form of each entry.

All that costs time in verifying a log's structure is here, as functions of bytes, so that other
processes can do it. Whole bundles are treated at once: a loop over single entries and hashes would
take three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from audit.entries import parse_leaf
from audit.errors import AuditError, LogFormatError
from audit.merkle import root_of
from audit.tiles import TILE_WIDTH, parse_bundle

_COMMITMENT_AT: Final = 40
"""Where the commitment begins in a leaf; all before it is the day, in one form."""

_LAST_AT: Final = 82
"""Where its last letter is: of 32 bytes in base64 it carries four bits, and so is one of sixteen."""

_LEAF_BYTES: Final = 86
_LENGTH_BYTES: Final = 2
_ROW_BYTES: Final = _LENGTH_BYTES + _LEAF_BYTES
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TAILS: Final = frozenset(bytes([each]) + b'="}' for each in _ALPHABET[::4])


@dataclass(frozen=True)
class BundleTask:
    """A bundle as read, how many entries it must have, and the tile of their hashes (None: missing)."""

    data: bytes
    width: int
    tile: bytes | None


@dataclass(frozen=True)
class BundleResult:
    """What a bundle turned out to be."""

    hashes: tuple[bytes, ...]
    """The leaf hashes of a bundle that is not full (a full one's are in ``root``)."""
    root: bytes
    same_tile: bool
    malformed: tuple[tuple[int, str], ...]
    """Position and reason."""
    unreadable: str | None = None
    """Why it is no bundle; all else is void then."""


def check_bundles(tasks: Sequence[BundleTask]) -> list[BundleResult]:
    """The results, in order."""
    return [_check(task) for task in tasks]


def _check(task: BundleTask) -> BundleResult:
    try:
        entries = parse_bundle(task.data, task.width)
    except LogFormatError as error:
        return BundleResult((), b"", same_tile=False, malformed=(), unreadable=str(error))
    hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
    return BundleResult(
        hashes=() if task.width == TILE_WIDTH else tuple(hashes),
        root=root_of(hashes),
        same_tile=task.tile == b"".join(hashes),
        malformed=()
        if _alike(task.data, entries) or all_well_formed(entries)
        else _malformed(entries),
    )


def _alike(bundle: bytes, entries: Sequence[bytes]) -> bool:
    """Whether all entries are well formed and of one day: the bundle is then a table of letters, most
    columns of which hold the same letter in every row.
    """
    count = len(entries)
    if len(bundle) != count * _ROW_BYTES or len(entries[0]) != _LEAF_BYTES:
        return False
    columns = [bundle[column::_ROW_BYTES] for column in range(_ROW_BYTES)]
    free = slice(_LENGTH_BYTES + _COMMITMENT_AT, _LENGTH_BYTES + _LAST_AT)
    letters, last = b"".join(columns[free]), columns[_LENGTH_BYTES + _LAST_AT]
    fixed = columns[: free.start] + columns[free.stop + 1 :]
    return (
        all(column == column[:1] * count for column in fixed)
        and not letters.translate(None, _ALPHABET)
        and not last.translate(None, _ALPHABET[::4])
        and all_well_formed(entries[:1])
    )


def all_well_formed(entries: Sequence[bytes]) -> bool:
    """Whether ``parse_leaf`` accepts every one of the entries."""
    if set(map(len, entries)) != {_LEAF_BYTES}:
        return False
    days = {entry[:_COMMITMENT_AT] for entry in entries}
    tails = {entry[_LAST_AT:] for entry in entries}
    letters = b"".join([entry[_COMMITMENT_AT:_LAST_AT] for entry in entries])
    return tails <= _TAILS and not letters.translate(None, _ALPHABET) and all(map(_is_day, days))


@lru_cache(maxsize=1_024)
def _is_day(beginning: bytes) -> bool:
    """Whether a leaf may begin so. A log has some hundred days."""
    try:
        parse_leaf(beginning + b"A" * (_LAST_AT + 1 - _COMMITMENT_AT) + b'="}')
    except AuditError:
        return False
    return True


def _malformed(entries: Sequence[bytes]) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for position, entry in enumerate(entries):
        try:
            parse_leaf(entry)
        except AuditError as error:
            found.append((position, str(error)))
    return tuple(found)
