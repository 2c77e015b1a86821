"""Pieces of any size, regrouped into the blocks that S3 takes, with length and digest checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from crypto.digests import Digest
from storage.objects import errors

JOIN_BYTES: Final = 8_388_608
"""8 MiB a part of a multipart upload (S3's least is 5 MiB; 10,000 of them make 80 GB)."""


def regroup(pieces: Iterator[bytes], length: int, sha256: Digest) -> Iterator[bytes]:
    """Regroup into blocks of JOIN_BYTES (at least one block, which may be empty); raises
    ObjectConflictError after the last one when length or digest differ.
    """
    state, total, block = hashlib.sha256(), 0, bytearray()
    for piece in pieces:
        state.update(piece)
        total += len(piece)
        block += piece
        while len(block) > JOIN_BYTES:
            yield bytes(block[:JOIN_BYTES])
            del block[:JOIN_BYTES]
    if total != length or state.hexdigest() != sha256:
        raise errors.wrong_whole()
    yield bytes(block)
