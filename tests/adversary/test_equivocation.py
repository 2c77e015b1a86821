"""One payload, two dossiers: a dishonest depositor against the key commitment.

ChaCha20-Poly1305 does not commit to its key. With one block of ciphertext free, an authenticator that
is right under two keys is one linear equation modulo 2¹³⁰ − 5: the payload below is a valid age
payload under two file keys, and says something else under each. With a detached header for each
member nothing in age itself would notice; the signed commitment does.
"""

from __future__ import annotations

import io
import os
import struct

import pyrage
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from crypto.age.identities import format_identity, recipient_of, x25519_recipient_of
from crypto.age.layout import chunk_nonce
from crypto.age.primitives import payload_key
from crypto.age.streams import read_exactly
from crypto.age.wrap import make_header
from crypto.edge.seal import commitment, header_for
from crypto.edge.unseal import check_commitment, open_payload, unwrap_header
from crypto.errors import BrokenCiphertextError
from crypto.keys import FileKey, HybridIdentity, X25519Identity

PRIME = 2**130 - 5
FOR_A = b"Logement: 10 000 euros demandes."
FOR_B = b"Logement:900 000 euros demandes."
NONCE = bytes(range(16))
KEY_A, KEY_B = FileKey(b"A" * 16), FileKey(b"B" * 16)
MEMBER_A, MEMBER_B = HybridIdentity(b"a" * 32), HybridIdentity(b"b" * 32)


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


def opened(key: FileKey) -> bytes:
    return read_exactly(open_payload(key, io.BytesIO(PAYLOAD)), len(PAYLOAD))


def test_the_attack_is_real() -> None:
    """The same payload opens, authentic, to two different texts under two keys."""
    assert FOR_A in opened(KEY_A)
    assert FOR_B[:31] in opened(KEY_B)
    assert FOR_B[:20] not in opened(KEY_A)


def test_another_implementation_falls_for_it() -> None:
    """Nothing in the age format itself notices: another implementation opens both files."""
    for key, text, seed in ((KEY_A, FOR_A, b"c"), (KEY_B, FOR_B[:31], b"d")):
        identity = X25519Identity(seed * 32)
        header = make_header(key, x25519_recipient_of(identity), os.urandom)
        theirs = pyrage.x25519.Identity.from_str(format_identity(identity))
        assert text in pyrage.decrypt(header + PAYLOAD, [theirs])


def test_the_commitment_ends_it() -> None:
    """Whichever key the manifest commits to, the member given the other one refuses."""
    headers = {
        b"a": header_for(KEY_A, recipient_of(MEMBER_A), os.urandom),
        b"b": header_for(KEY_B, recipient_of(MEMBER_B), os.urandom),
    }
    key_a = unwrap_header(headers[b"a"], MEMBER_A)
    key_b = unwrap_header(headers[b"b"], MEMBER_B)
    signed = commitment(KEY_A, NONCE)
    check_commitment(key_a, PAYLOAD[:16], signed)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(key_b, PAYLOAD[:16], signed)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(key_a, PAYLOAD[:16], commitment(KEY_B, NONCE))


def test_the_commitment_is_bound_to_the_payload() -> None:
    """A commitment made for another payload of the same key does not count for this one."""
    with pytest.raises(BrokenCiphertextError):
        check_commitment(KEY_A, PAYLOAD[:16], commitment(KEY_A, bytes(16)))
