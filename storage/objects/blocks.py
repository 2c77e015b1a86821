"""Pieces of any size, regrouped into the blocks that S3 takes, with length and digest checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from crypto.digests import Digest
from storage.objects import errors

JOIN_BYTES: Final = 8_388_608
"""8 MiB a part of a multipart upload (S3's least is 5 MiB; 10,000 of them make 80 GB)."""


def checked(pieces: Iterable[bytes], length: int, sha256: Digest) -> Iterator[bytes]:
    """The same pieces; raises ObjectConflictError after the last one when length or digest differ."""
    state, total = hashlib.sha256(), 0
    for piece in pieces:
        state.update(piece)
        total += len(piece)
        yield piece
    if total != length or state.hexdigest() != sha256:
        raise errors.wrong_whole()


def regroup(pieces: Iterable[bytes], length: int, sha256: Digest) -> Iterator[bytes]:
    """Regroup into blocks of JOIN_BYTES (at least one block, which may be empty); raises
    ObjectConflictError in place of the last one when length or digest differ.
    """
    block = bytearray()
    for piece in checked(pieces, length, sha256):
        block += piece
        while len(block) > JOIN_BYTES:
            yield bytes(block[:JOIN_BYTES])
            del block[:JOIN_BYTES]
    yield bytes(block)
