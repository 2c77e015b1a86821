"""The sizes of an age payload (C2SP age.md, "Payload"): nonce ‖ chunks of 64 KiB, each with a tag."""

from __future__ import annotations

from typing import Final

NONCE_BYTES: Final = 16
"""The payload nonce: salt of the payload key, stored before the first chunk."""

TAG_BYTES: Final = 16
"""Poly1305 tag at the end of each chunk."""

CHUNK_BYTES: Final = 65_536
"""Plaintext of every chunk but the last."""

SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES

BATCH_CHUNKS: Final = 16
"""Chunks given to a thread at once: 1 MiB, so that handing over costs little beside the cipher."""

WORKER_CHUNKS: Final = 8
"""Chunks that a worker seals or opens at once: 512 KiB. Measured: with fewer, waiting for turns shows;
more only takes memory."""

MAX_CHUNK_COUNTER: Final = 2 ** (8 * 11) - 1
"""The counter has 11 bytes; 2⁸⁸ chunks of 64 KiB are never reached."""


def payload_length(plaintext_length: int) -> int:
    """The exact length of the payload (nonce included) of so many bytes of plaintext."""
    chunks = max(1, -(-plaintext_length // CHUNK_BYTES))
    return NONCE_BYTES + plaintext_length + chunks * TAG_BYTES


def payload_length_is_valid(length: int) -> bool:
    """Whether a payload of that length can exist: only a lone chunk may be empty."""
    sealed = length - NONCE_BYTES
    if sealed < TAG_BYTES:
        return False
    last = sealed % SEALED_CHUNK_BYTES
    return sealed == TAG_BYTES or last == 0 or last > TAG_BYTES


def chunk_nonce(counter: int, *, last: bool) -> bytes:
    """The STREAM nonce of one chunk: 11-byte big-endian counter, then 1 for the last chunk.

    Counting from zero is safe: the payload key belongs to this one payload, by its random nonce.
    """
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
