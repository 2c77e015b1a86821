"""Opening a payload. Forbidden to the service by import contract.

A chunk is written to the sink as soon as it is authentic, so a failure leaves an authentic prefix
there: callers write to a temporary place and use it only when the call has returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.errors import HeaderError, PayloadError
from crypto.age.layout import (
    BATCH_CHUNKS,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    TAG_BYTES,
    chunk_nonce,
)
from crypto.age.payload_seal import Progress
from crypto.age.pipeline import batches, in_order
from crypto.age.primitives import payload_key
from crypto.age.streams import Octets, Readable, Writable, read_exactly
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
    for plaintext in open_pieces(file_key, source, progress=progress):
        sink.write(plaintext)


def open_pieces(
    file_key: FileKey, source: Readable, *, progress: Progress | None = None
) -> Iterator[Octets]:
    """The plaintext of ``nonce ‖ chunks``, piece by piece; errors as :func:`open_stream`.

    Nothing of it may be used before the iterator has ended without an error.
    """
    nonce = read_exactly(source, NONCE_BYTES)
    if len(nonce) != NONCE_BYTES:
        raise HeaderError("Ce fichier s'arrête avant son contenu chiffré.")
    key = payload_key(file_key, nonce)

    def open_batch(number: int, sealed: bytes, last: bool) -> _Opened:
        return _open_batch(key, number * BATCH_CHUNKS, sealed, at_end=last)

    for opened in in_order(batches(source, BATCH_CHUNKS * SEALED_CHUNK_BYTES), open_batch):
        if opened.plaintext:
            yield opened.plaintext
        if opened.fault is not None:
            raise PayloadError(opened.fault)
        if progress is not None:
            progress(len(opened.plaintext))


def _open_batch(key: bytes, first: int, sealed: bytes, *, at_end: bool) -> _Opened:
    """Open the chunks of one batch in order.

    A full chunk is tried as one that others follow, then as the last; after a last chunk nothing
    may follow (the rule of the reference implementation, which the test vectors fix).
    """
    cipher = ChaCha20Poly1305(key)
    view = memoryview(sealed)
    plaintext = memoryview(bytearray(len(sealed)))
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
