"""Sealing a payload: STREAM over ChaCha20-Poly1305 (C2SP age.md, "Payload")."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.layout import (
    BATCH_CHUNKS,
    CHUNK_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    chunk_nonce,
    payload_length,
)
from crypto.age.pipeline import batches, in_order
from crypto.age.primitives import payload_key
from crypto.age.streams import Octets, Readable, Writable
from crypto.digests import Digest
from crypto.keys import FileKey

Progress = Callable[[int], None]
"""Told the number of plaintext bytes just sealed or opened."""


@dataclass(frozen=True)
class Written:
    """What was written: the payload's length, nonce included, and its SHA-256."""

    length: int
    sha256: Digest


def seal_stream(
    file_key: FileKey,
    nonce: bytes,
    source: Readable,
    sink: Writable,
    *,
    progress: Progress | None = None,
) -> Written:
    """Write ``nonce ‖ chunks`` of all of ``source`` to ``sink``, hashing in the same pass.

    ``file_key`` and ``nonce`` must be fresh: the chunk counter starts at zero.
    """
    state = hashlib.sha256()
    length = 0
    # Hashing takes longer than the cipher: it runs beside reading and writing, in order.
    with ThreadPoolExecutor(1) as hashing:
        hashed = hashing.submit(state.update, b"")
        for piece in seal_pieces(file_key, nonce, source, progress=progress):
            hashed.result()  # at most one piece waits for the hash: memory stays bounded
            hashed = hashing.submit(state.update, piece)
            sink.write(piece)
            length += len(piece)
        hashed.result()
    return Written(length, Digest(state.hexdigest()))


def seal_pieces(
    file_key: FileKey, nonce: bytes, source: Readable, *, progress: Progress | None = None
) -> Iterator[Octets]:
    """``nonce ‖ chunks`` of all of ``source``, piece by piece; keys as for :func:`seal_stream`."""
    key = payload_key(file_key, nonce)

    def seal_batch(number: int, plaintext: bytes, last: bool) -> bytearray:
        return _seal_batch(key, number * BATCH_CHUNKS, plaintext, last=last)

    yield nonce
    for sealed in in_order(batches(source, BATCH_CHUNKS * CHUNK_BYTES), seal_batch):
        yield sealed
        if progress is not None:
            progress(len(sealed) - TAG_BYTES * -(-len(sealed) // SEALED_CHUNK_BYTES))


def seal_bytes(file_key: FileKey, nonce: bytes, plaintext: bytes) -> bytes:
    """The payload ``nonce ‖ chunks`` of a few bytes, without threads."""
    sealed = _seal_batch(payload_key(file_key, nonce), 0, plaintext, last=True)
    payload = nonce + bytes(sealed)
    assert len(payload) == payload_length(len(plaintext))
    return payload


def _seal_batch(key: bytes, first: int, plaintext: bytes, *, last: bool) -> bytearray:
    """Chunks ``first``, ``first + 1``, … of ``plaintext``; only an empty payload has an empty one."""
    chunks = max(1, -(-len(plaintext) // CHUNK_BYTES))
    sealed = bytearray(len(plaintext) + chunks * TAG_BYTES)
    source, target = memoryview(plaintext), memoryview(sealed)
    cipher = ChaCha20Poly1305(key)
    for chunk in range(chunks):
        cipher.encrypt_into(
            chunk_nonce(first + chunk, last=last and chunk == chunks - 1),
            source[chunk * CHUNK_BYTES : (chunk + 1) * CHUNK_BYTES],
            None,
            target[chunk * SEALED_CHUNK_BYTES : (chunk + 1) * SEALED_CHUNK_BYTES],
        )
    return sealed
