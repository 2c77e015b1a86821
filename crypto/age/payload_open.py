"""Opening a payload. Forbidden to the service by import contract.

A chunk is written to the sink as soon as it is authentic, so a failure leaves authentic parts
there: callers write to a temporary place and use it only when the call has returned.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.errors import HeaderError, PayloadError
from crypto.age.layout import (
    BATCH_CHUNKS,
    CHUNK_BYTES,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    WORKER_CHUNKS,
    chunk_nonce,
)
from crypto.age.payload_seal import Progress
from crypto.age.pipeline import batches, in_order
from crypto.age.primitives import payload_key
from crypto.age.streams import Octets, Placing, Readable, Writable, read_exactly
from crypto.age.workers import Batch, run_stages
from crypto.keys import FileKey


@dataclass(frozen=True)
class _Opened:
    """The authentic plaintext of a batch, up to its first fault."""

    plaintext: memoryview
    fault: str | None


def open_stream(
    file_key: FileKey, source: Readable, sink: Writable, *, progress: Progress | None = None
) -> None:
    """Open ``nonce ‖ chunks`` into ``sink``; raises PayloadError, HeaderError without a nonce."""
    key = payload_key(file_key, _read_nonce(source))

    def opened(batch: _Opened) -> None:
        if batch.fault is not None:
            raise PayloadError(batch.fault)
        if progress is not None:
            progress(len(batch.plaintext))

    run_stages(source, WORKER_CHUNKS * SEALED_CHUNK_BYTES, lambda: _OpenStage(key, sink, opened))


def open_bytes(file_key: FileKey, payload: bytes) -> bytes:
    """The plaintext of a few bytes of ``nonce ‖ chunks``, without threads; errors as the stream's."""
    source = io.BytesIO(payload)
    cipher = ChaCha20Poly1305(payload_key(file_key, _read_nonce(source)))
    sealed = memoryview(payload)[NONCE_BYTES:]
    opened = _open_into(cipher, 0, sealed, memoryview(bytearray(len(sealed))), at_end=True)
    if opened.fault is not None:
        raise PayloadError(opened.fault)
    return bytes(opened.plaintext)


class _OpenStage:
    """One worker's cipher, and the buffer of what it opened last."""

    def __init__(self, key: bytes, sink: Writable, opened: Callable[[_Opened], None]) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._sink = sink
        self._place = sink if isinstance(sink, Placing) else None
        self._told = opened
        self._buffer = memoryview(bytearray(WORKER_CHUNKS * SEALED_CHUNK_BYTES))
        self._opened = _Opened(self._buffer[:0], None)
        self._number = 0

    def cipher(self, batch: Batch) -> None:
        self._number = batch.number
        first = batch.number * WORKER_CHUNKS
        self._opened = _open_into(self._cipher, first, batch.data, self._buffer, at_end=batch.last)

    def in_turn(self) -> None:
        if self._place is None:
            self._sink.write(self._opened.plaintext)
        self._told(self._opened)

    def afterwards(self) -> None:
        if self._place is not None:
            offset = self._number * WORKER_CHUNKS * CHUNK_BYTES
            self._place.write_at(self._opened.plaintext, offset)


def open_pieces(
    file_key: FileKey, source: Readable, *, progress: Progress | None = None
) -> Iterator[Octets]:
    """The plaintext of ``nonce ‖ chunks``, piece by piece; errors as :func:`open_stream`.

    Nothing of it may be used before the iterator has ended without an error.
    """
    key = payload_key(file_key, _read_nonce(source))

    def open_batch(number: int, sealed: bytes, last: bool) -> _Opened:
        room = memoryview(bytearray(len(sealed)))
        cipher = ChaCha20Poly1305(key)
        return _open_into(cipher, number * BATCH_CHUNKS, sealed, room, at_end=last)

    for opened in in_order(batches(source, BATCH_CHUNKS * SEALED_CHUNK_BYTES), open_batch):
        if opened.plaintext:
            yield opened.plaintext
        if opened.fault is not None:
            raise PayloadError(opened.fault)
        if progress is not None:
            progress(len(opened.plaintext))


def _read_nonce(source: Readable) -> bytes:
    nonce = read_exactly(source, NONCE_BYTES)
    if len(nonce) != NONCE_BYTES:
        raise HeaderError("Ce fichier s'arrête avant son contenu chiffré.")
    return nonce


def _open_into(
    cipher: ChaCha20Poly1305, first: int, sealed: Octets, plaintext: memoryview, *, at_end: bool
) -> _Opened:
    """Open the chunks of one batch in order, into ``plaintext``, which has room for all of them.

    A full chunk is tried as one that others follow, then as the last; after a last chunk nothing
    may follow (the rule of the reference implementation, which the test vectors fix).
    """
    view = memoryview(sealed)
    done = 0
    for chunk, at in enumerate(range(0, len(view), SEALED_CHUNK_BYTES)):
        piece = view[at : at + SEALED_CHUNK_BYTES]
        length = len(piece) - TAG_BYTES
        last = _open_chunk(cipher, first + chunk, piece, plaintext[done : done + max(0, length)])
        if last is None:
            return _Opened(plaintext[:done], "Le contenu chiffré a été modifié ou coupé.")
        done += length
        ends = at_end and at + len(piece) == len(view)
        if last:
            fault = None if ends else "Des octets suivent la fin du contenu chiffré."
            return _Opened(plaintext[:done], fault)
    fault = "Le contenu chiffré est coupé avant sa fin." if at_end else None
    return _Opened(plaintext[:done], fault)


def _open_chunk(
    cipher: ChaCha20Poly1305, counter: int, piece: memoryview, into: memoryview
) -> bool | None:
    """Open a chunk ``into`` its place; whether it is the last one, None if it is not authentic.

    What a failed attempt leaves there is never handed out: the batch ends before it.
    """
    full = len(piece) == SEALED_CHUNK_BYTES
    if len(piece) < TAG_BYTES or (counter > 0 and len(piece) == TAG_BYTES):
        return None  # only a lone chunk may be empty
    for last in (False, True) if full else (True,):
        try:
            cipher.decrypt_into(chunk_nonce(counter, last=last), piece, None, into)
        except InvalidTag:
            continue
        return last
    return None
