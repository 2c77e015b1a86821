"""A payload that is a valid age payload under two file keys, and says something else under each.

ChaCha20-Poly1305 does not commit to its key. With one block of ciphertext free, an authenticator that
is right under two keys is one linear equation modulo 2¹³⁰ − 5.
"""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from crypto.age.layout import chunk_nonce
from crypto.age.primitives import payload_key
from crypto.keys import FileKey

PRIME = 2**130 - 5
FOR_A = b"Logement: 10 000 euros demandes."
FOR_B = b"Logement:900 000 euros demandes."
NONCE = bytes(range(16))
KEY_A, KEY_B = FileKey(b"A" * 16), FileKey(b"B" * 16)


def keystream(key: bytes, length: int) -> tuple[int, int, bytes]:
    """Poly1305's r and s, and the cipher's stream, for the only chunk of a payload."""
    nonce = b"\0" * 4 + chunk_nonce(0, last=True)
    stream = Cipher(algorithms.ChaCha20(key, nonce), None).encryptor().update(bytes(64 + length))
    clamp = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    r, s = (int.from_bytes(stream[at : at + 16], "little") for at in (0, 16))
    return r & clamp, s, stream[64:]


def authenticator(r: int, blocks: list[int]) -> int:
    state = 0
    for block in blocks:
        state = (state + block) * r % PRIME
    return state


def xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=True))


def two_faced_payload() -> bytes:
    """``nonce ‖ chunk`` that opens under both keys."""
    length = len(FOR_A) + len(FOR_B) + 16
    (r_a, s_a, stream_a), (r_b, s_b, stream_b) = (
        keystream(payload_key(key, NONCE), length) for key in (KEY_A, KEY_B)
    )
    # A's text in the first half, B's in the second; elsewhere each reads noise.
    text = xor(FOR_A, stream_a[:32]) + xor(FOR_B, stream_b[32:64])
    for attempt in range(256):
        text = text[:63] + bytes([attempt])
        block = balancing_block(text, (r_a, s_a), (r_b, s_b), length)
        if block is not None:
            ciphertext = text + block
            tag = (authenticator(r_a, poly_blocks(ciphertext)) + s_a) % 2**128
            return NONCE + ciphertext + tag.to_bytes(16, "little")
    raise AssertionError("no block found")


def poly_blocks(ciphertext: bytes) -> list[int]:
    """The blocks that Poly1305 sees (RFC 8439 section 2.8): ciphertext, then the two lengths."""
    data = ciphertext + struct.pack("<QQ", 0, len(ciphertext))
    return [int.from_bytes(data[at : at + 16], "little") + 2**128 for at in range(0, len(data), 16)]


def balancing_block(
    text: bytes, one: tuple[int, int], two: tuple[int, int], length: int
) -> bytes | None:
    """The block after ``text`` that makes both authenticators one tag, if this text has one."""
    (r_a, s_a), (r_b, s_b) = one, two
    lengths = struct.pack("<QQ", 0, length)
    blocks = [*poly_blocks(text)[:-1], 0, int.from_bytes(lengths, "little") + 2**128]
    offset_a, offset_b = authenticator(r_a, blocks), authenticator(r_b, blocks)
    slope = (r_a * r_a - r_b * r_b) % PRIME  # the free block is the last but one
    for wraps in range(-8, 8):
        due = (s_b - s_a) % 2**128 + wraps * 2**128
        free = (due - offset_a + offset_b) * pow(slope, -1, PRIME) % PRIME
        if not 2**128 <= free < 2**129:
            continue
        state_a, state_b = (offset_a + free * r_a * r_a) % PRIME, (offset_b + free * r_b**2) % PRIME
        if (state_a + s_a - state_b - s_b) % 2**128 == 0:
            return (free - 2**128).to_bytes(16, "little")
    return None


PAYLOAD = two_faced_payload()
