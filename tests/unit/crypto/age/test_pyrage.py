"""Another implementation of the format (Rust, through pyrage) reads and writes our classic files."""

from __future__ import annotations

import io
import os

import pyrage
import pytest

from crypto.age import armor
from crypto.age.decrypt import decrypt_stream, decrypt_with
from crypto.age.encrypt import encrypt_stream, encrypt_to, encrypt_with_passphrase
from crypto.age.identities import Passphrase, format_identity, parse_identity, x25519_recipient_of
from crypto.age.layout import CHUNK_BYTES
from crypto.age.recipients import format_recipient, parse_recipient
from crypto.keys import X25519Identity

OURS = X25519Identity(b"e" * 32)
THEIRS = pyrage.x25519.Identity.from_str(format_identity(OURS))
LENGTHS = (0, 1, CHUNK_BYTES, 17 * CHUNK_BYTES + 3)


def test_keys_agree() -> None:
    """Both derive the same recipient from the same identity."""
    assert str(THEIRS.to_public()) == format_recipient(x25519_recipient_of(OURS))
    fresh = pyrage.x25519.Identity.generate()
    identity = parse_identity(str(fresh))
    assert isinstance(identity, X25519Identity)
    assert format_recipient(x25519_recipient_of(identity)) == str(fresh.to_public())


@pytest.mark.parametrize("length", LENGTHS)
def test_they_open_ours(length: int) -> None:
    """What we write, they open."""
    text = os.urandom(length)
    assert pyrage.decrypt(encrypt_to(text, x25519_recipient_of(OURS), os.urandom), [THEIRS]) == text
    sink = io.BytesIO()
    other = parse_recipient(str(pyrage.x25519.Identity.generate().to_public()))
    encrypt_stream(io.BytesIO(text), sink, [other, x25519_recipient_of(OURS)], os.urandom)
    assert pyrage.decrypt(sink.getvalue(), [THEIRS]) == text
    assert pyrage.decrypt(armor.encode(sink.getvalue()), [THEIRS]) == text


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("armored", [False, True])
def test_we_open_theirs(length: int, armored: bool) -> None:
    """What they write, armored or not, we open."""
    text = os.urandom(length)
    data = pyrage.encrypt(text, [THEIRS.to_public()], armored=armored)
    sink = io.BytesIO()
    decrypt_stream(io.BytesIO(data), [OURS], sink)
    assert sink.getvalue() == text


def test_passphrases_agree() -> None:
    """Files under a passphrase go both ways."""
    ours = encrypt_with_passphrase(b"texte", Passphrase("mot de passé"), os.urandom, log_n=10)
    assert pyrage.passphrase.decrypt(ours, "mot de passé") == b"texte"


def test_we_open_their_passphrase_file() -> None:
    """A file that they lock, with the work factor that they choose, opens here."""
    theirs = pyrage.passphrase.encrypt(b"texte", "mot de passé")
    assert decrypt_with(theirs, Passphrase("mot de passé")) == b"texte"
