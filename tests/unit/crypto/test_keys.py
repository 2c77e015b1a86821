"""Keys are types; secrets do not show; weak keys do not exist."""

from __future__ import annotations

import copy
import json
import os
import pickle

import pytest

from crypto.errors import BadSignatureError, MalformedError
from crypto.keys import (
    FileKey,
    HybridIdentity,
    MasterSeed,
    PartySigningSeed,
    Recipient,
    SecretBytes,
    ServiceSigningSeed,
    SigningSeed,
    VerifyKey,
    X25519Identity,
)

ROLES = (MasterSeed, FileKey, HybridIdentity, X25519Identity, SigningSeed, ServiceSigningSeed,
         PartySigningSeed)  # fmt: skip
SMALL_ORDER = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)


@pytest.mark.parametrize("role", ROLES)
def test_a_secret_never_shows_itself(role: type[SecretBytes]) -> None:
    """Neither printing, formatting, listing nor an error shows a byte of a secret."""
    secret = role(b"S" * role.LENGTH)
    shown = f"{secret} {secret!r} {secret!s} {secret:>80} {[secret]} { ({'key': secret}) }"
    assert "SSS" not in shown
    assert b"S".hex() * 3 not in shown
    assert f"<{role.__name__} redacted>" in shown


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "act", [pickle.dumps, copy.copy, copy.deepcopy, hash, bytes, iter, len, json.dumps]
)
def test_a_secret_leaves_only_by_reveal(role: type[SecretBytes], act: object) -> None:
    """A secret is not pickled, copied, hashed, iterated, measured nor serialised."""
    with pytest.raises(TypeError):
        act(role(b"S" * role.LENGTH))  # type: ignore[operator]


@pytest.mark.parametrize("role", ROLES)
def test_length_is_exact(role: type[SecretBytes]) -> None:
    """A secret of another length is refused, without repeating it."""
    for wrong in (0, role.LENGTH - 1, role.LENGTH + 1):
        with pytest.raises(MalformedError) as caught:
            role(b"S" * wrong)
        assert "SS" not in str(caught.value)


def test_equality_is_by_role_and_value() -> None:
    """Equal bytes in another role are another secret."""
    assert MasterSeed(b"S" * 32) == MasterSeed(b"S" * 32)
    assert MasterSeed(b"S" * 32) != MasterSeed(b"T" * 32)
    assert MasterSeed(b"S" * 32) != HybridIdentity(b"S" * 32)
    assert MasterSeed(b"S" * 32) != b"S" * 32


def test_generation_uses_the_entropy_given() -> None:
    """A fresh secret is exactly what the entropy returned."""
    assert FileKey.generate(lambda size: bytes(range(size))).reveal() == bytes(range(16))
    with pytest.raises(MalformedError):
        FileKey.generate(lambda size: bytes(size - 1))


def test_the_copy_inside_is_our_own() -> None:
    """Changing the buffer that a secret was made from does not change the secret."""
    buffer = bytearray(b"S" * 32)
    secret = MasterSeed(bytes(buffer))
    buffer[0] = 0
    assert secret.reveal() == b"S" * 32


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_small_order_keys_are_refused(point: str) -> None:
    """A key that would accept signatures of almost anything is refused on sight."""
    with pytest.raises(MalformedError):
        VerifyKey(bytes.fromhex(point))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(31),
        bytes(33),
        b"\xff" * 32,
        bytes.fromhex("ee" + "ff" * 30 + "7f"),
        b"\x02" + bytes(31),
    ],
)
def test_what_is_no_key_is_refused(raw: bytes) -> None:
    """Wrong lengths, non-canonical encodings and points off the curve are refused."""
    with pytest.raises(MalformedError):
        VerifyKey(raw)


def test_signatures() -> None:
    """A signature counts for its message and key, unchanged in every bit, and only then."""
    seed = PartySigningSeed(os.urandom(32))
    signature = seed.sign(b"message")
    seed.verify_key().check(b"message", signature)
    with pytest.raises(BadSignatureError):
        seed.verify_key().check(b"messagE", signature)
    with pytest.raises(BadSignatureError):
        PartySigningSeed(os.urandom(32)).verify_key().check(b"message", signature)
    for bit in range(512):
        altered = bytearray(signature)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadSignatureError):
            seed.verify_key().check(b"message", bytes(altered))
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with pytest.raises(BadSignatureError):
            seed.verify_key().check(b"message", wrong)


def test_a_signature_has_no_second_form() -> None:
    """The same signature with S + L (RFC 8032 section 5.1.7 forbids it) is refused."""
    order = 2**252 + 27742317777372353535851937790883648493
    seed = PartySigningSeed(b"s" * 32)
    signature = seed.sign(b"message")
    scalar = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(BadSignatureError):
        seed.verify_key().check(b"message", signature[:32] + scalar.to_bytes(32, "little"))


def test_public_keys_have_one_text() -> None:
    """Public keys parse from canonical base64 only, and fingerprints tell them apart."""
    one, two = (PartySigningSeed(letter * 32).verify_key() for letter in (b"1", b"2"))
    assert VerifyKey.parse(str(one)) == one
    assert one.fingerprint != two.fingerprint
    for text in (str(one)[:-1], str(one) + "\n", one.raw.hex()):
        with pytest.raises(MalformedError):
            VerifyKey.parse(text)


def test_recipients() -> None:
    """A recipient has exactly 1,216 bytes and a short name on screens."""
    recipient = Recipient(bytes(1216))
    assert Recipient.parse(str(recipient)) == recipient
    assert len(repr(recipient)) < 40
    for length in (0, 1215, 1217):
        with pytest.raises(MalformedError):
            Recipient(bytes(length))
