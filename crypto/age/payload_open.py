"""Opening a payload. Forbidden to the service by import contract.

A chunk is written to the sink as soon as it is authentic, so a failure leaves an authentic prefix
there: callers write to a temporary place and use it only when the call has returned.
"""

from __future__ import annotations

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
from crypto.age.streams import Readable, Writable, read_exactly
from crypto.keys import FileKey


@dataclass(frozen=True)
class _Opened:
    """The authentic plaintext of a batch, up to its first fault."""

    plaintext: bytes
    fault: str | None


def open_stream(
    file_key: FileKey, source: Readable, sink: Writable, *, progress: Progress | None = None
) -> None:
    """Open ``nonce ‖ chunks`` into ``sink``; raises PayloadError, HeaderError without a nonce."""
    nonce = read_exactly(source, NONCE_BYTES)
    if len(nonce) != NONCE_BYTES:
        raise HeaderError("Ce fichier s'arrête avant son contenu chiffré.")
    key = payload_key(file_key, nonce)

    def open_batch(number: int, sealed: bytes, last: bool) -> _Opened:
        return _open_batch(key, number * BATCH_CHUNKS, sealed, at_end=last)

    for opened in in_order(batches(source, BATCH_CHUNKS * SEALED_CHUNK_BYTES), open_batch):
        if opened.plaintext:
            sink.write(opened.plaintext)
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
    plaintext = bytearray()
    for chunk, at in enumerate(range(0, len(view), SEALED_CHUNK_BYTES)):
        piece = view[at : at + SEALED_CHUNK_BYTES]
        opened, last = _open_chunk(cipher, first + chunk, piece)
        if opened is None:
            return _Opened(bytes(plaintext), "Le contenu chiffré a été modifié ou coupé.")
        plaintext += opened
        ends = at_end and at + len(piece) == len(view)
        if last:
            fault = None if ends else "Des octets suivent la fin du contenu chiffré."
            return _Opened(bytes(plaintext), fault)
    fault = "Le contenu chiffré est coupé avant sa fin." if at_end else None
    return _Opened(bytes(plaintext), fault)


def _open_chunk(
    cipher: ChaCha20Poly1305, counter: int, piece: memoryview
) -> tuple[bytes | None, bool]:
    """The plaintext of a chunk, or None; and whether it is the last one."""
    full = len(piece) == SEALED_CHUNK_BYTES
    if len(piece) < TAG_BYTES or (counter > 0 and len(piece) == TAG_BYTES):
        return None, True  # only a lone chunk may be empty
    for last in (False, True) if full else (True,):
        try:
            return cipher.decrypt(chunk_nonce(counter, last=last), piece, None), last
        except InvalidTag:
            continue
    return None, True
