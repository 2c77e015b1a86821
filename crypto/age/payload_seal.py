"""Sealing a payload: STREAM over ChaCha20-Poly1305 (C2SP age.md, "Payload")."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.layout import (
    CHUNK_BYTES,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    WORKER_CHUNKS,
    chunk_nonce,
    payload_length,
)
from crypto.age.primitives import payload_key
from crypto.age.streams import Octets, Placing, Readable, Writable
from crypto.age.workers import Batch, run_stages
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
    length = _seal(payload_key(file_key, nonce), nonce, source, sink, state.update, progress)
    return Written(length, Digest(state.hexdigest()))


def seal_unhashed(
    file_key: FileKey,
    nonce: bytes,
    source: Readable,
    sink: Writable,
    *,
    progress: Progress | None = None,
) -> None:
    """As :func:`seal_stream`, for files that no manifest describes."""
    _seal(payload_key(file_key, nonce), nonce, source, sink, None, progress)


def _seal(
    key: bytes,
    nonce: bytes,
    source: Readable,
    sink: Writable,
    hashing: Callable[[Octets], None] | None,
    progress: Progress | None,
) -> int:
    """Returns the length written; each byte also goes to ``hashing``, in order."""
    sink.write(nonce)
    if hashing is not None:
        hashing(nonce)
    length = len(nonce)

    def written(sealed: memoryview) -> None:
        nonlocal length
        if hashing is not None:
            hashing(sealed)
        length += len(sealed)
        if progress is not None:
            progress(len(sealed) - TAG_BYTES * -(-len(sealed) // SEALED_CHUNK_BYTES))

    run_stages(source, WORKER_CHUNKS * CHUNK_BYTES, lambda: _SealStage(key, sink, written))
    return length


class _SealStage:
    """One worker's cipher, and the buffer of what it sealed last."""

    def __init__(self, key: bytes, sink: Writable, written: Callable[[memoryview], None]) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._sink = sink
        self._place = sink if isinstance(sink, Placing) else None
        self._written = written
        self._buffer = memoryview(bytearray(WORKER_CHUNKS * SEALED_CHUNK_BYTES))
        self._sealed = self._buffer[:0]
        self._number = 0

    def cipher(self, batch: Batch) -> None:
        self._number = batch.number
        first = batch.number * WORKER_CHUNKS
        length = _seal_into(self._cipher, first, batch.data, self._buffer, last=batch.last)
        self._sealed = self._buffer[:length]

    def in_turn(self) -> None:
        self._written(self._sealed)
        if self._place is None:
            self._sink.write(self._sealed)

    def afterwards(self) -> None:
        if self._place is not None:
            self._place.write_at(self._sealed, self._number * len(self._buffer))


def seal_bytes(file_key: FileKey, nonce: bytes, plaintext: bytes) -> bytes:
    """The payload ``nonce ‖ chunks`` of a few bytes, without threads."""
    payload = bytearray(payload_length(len(plaintext)))
    payload[:NONCE_BYTES] = nonce
    cipher = ChaCha20Poly1305(payload_key(file_key, nonce))
    _seal_into(cipher, 0, plaintext, memoryview(payload)[NONCE_BYTES:], last=True)
    return bytes(payload)


def _seal_into(
    cipher: ChaCha20Poly1305, first: int, plaintext: Octets, into: memoryview, *, last: bool
) -> int:
    """Chunks ``first``, ``first + 1``, … of ``plaintext``; returns the length that they take.

    Only an empty payload has an empty chunk.
    """
    chunks = max(1, -(-len(plaintext) // CHUNK_BYTES))
    source = memoryview(plaintext)
    for chunk in range(chunks):
        piece = source[chunk * CHUNK_BYTES : (chunk + 1) * CHUNK_BYTES]
        at = chunk * SEALED_CHUNK_BYTES
        nonce = chunk_nonce(first + chunk, last=last and chunk == chunks - 1)
        cipher.encrypt_into(nonce, piece, None, into[at : at + len(piece) + TAG_BYTES])
    return len(plaintext) + chunks * TAG_BYTES
