"""Sealing a deposit and opening it, in the order that the protocol asks for."""

from __future__ import annotations

import hashlib
import io
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.age.decrypt import decrypt_with
from crypto.age.identities import recipient_of
from crypto.age.streams import read_exactly
from crypto.age.wrap import make_header
from crypto.edge.seal import commitment, envelope_for, header_for, seal_payload
from crypto.edge.unseal import check_commitment, open_file, open_payload, unwrap_header
from crypto.envelope import ENVELOPE_BYTES, HEADER_BYTES, payload_length_is_valid
from crypto.errors import (
    BrokenCiphertextError,
    CryptoError,
    MalformedError,
    NotForThisKeyError,
)
from crypto.keys import FileKey, HybridIdentity

MEMBER, OTHER, RELEASE = (HybridIdentity(letter * 32) for letter in (b"m", b"o", b"r"))
TEXT = os.urandom(100_000)


def test_the_whole_way() -> None:
    """Payload, header, envelope, and back: each step opens only with its own key."""
    sink = io.BytesIO()
    sealed = seal_payload(io.BytesIO(TEXT), sink, entropy=os.urandom)
    header = header_for(sealed.file_key, recipient_of(MEMBER), os.urandom)
    envelope = envelope_for(header, recipient_of(RELEASE), os.urandom)
    assert (len(header), len(envelope)) == (HEADER_BYTES, ENVELOPE_BYTES)
    assert decrypt_with(envelope, RELEASE) == header
    with pytest.raises(NotForThisKeyError):
        decrypt_with(envelope, MEMBER)
    file_key = unwrap_header(header, MEMBER)
    with pytest.raises(NotForThisKeyError):
        unwrap_header(header, OTHER)
    check_commitment(file_key, sealed.nonce, sealed.commitment)
    opened = open_payload(file_key, io.BytesIO(sink.getvalue()))
    assert read_exactly(opened, len(TEXT) + 1) == TEXT


def test_the_manifest_fields_describe_the_payload() -> None:
    """Length, digest and nonce are those of ``nonce ‖ chunks``, without any header."""
    sink = io.BytesIO()
    sealed = seal_payload(io.BytesIO(TEXT), sink, entropy=os.urandom)
    payload = sink.getvalue()
    assert sealed.nonce == payload[:16]
    assert sealed.length == len(payload)
    assert sealed.sha256 == hashlib.sha256(payload).hexdigest()
    assert payload_length_is_valid(sealed.length)


def test_header_and_payload_are_a_standard_file() -> None:
    """Put together they open as one age file."""
    sink = io.BytesIO()
    sealed = seal_payload(io.BytesIO(TEXT), sink, entropy=os.urandom)
    header = header_for(sealed.file_key, recipient_of(MEMBER), os.urandom)
    opened = open_file(io.BytesIO(header + sink.getvalue()), [OTHER, MEMBER])
    assert read_exactly(opened, len(TEXT) + 1) == TEXT


def test_a_late_grant_leaves_the_payload_alone() -> None:
    """Who opened a header can make another that opens the same payload."""
    sink = io.BytesIO()
    sealed = seal_payload(io.BytesIO(TEXT), sink, entropy=os.urandom)
    first = header_for(sealed.file_key, recipient_of(MEMBER), os.urandom)
    late = header_for(unwrap_header(first, MEMBER), recipient_of(OTHER), os.urandom)
    assert unwrap_header(late, OTHER) == sealed.file_key


def test_the_commitment_is_the_one_documented() -> None:
    """HKDF-SHA256 of the file key, salted with the nonce, under its own label."""
    key, nonce = FileKey(b"k" * 16), b"n" * 16
    label = b"dossier-exchange/v1/file-key-commitment"
    assert commitment(key, nonce) == HKDF(hashes.SHA256(), 32, nonce, label).derive(b"k" * 16)
    for other in (commitment(FileKey(b"K" * 16), nonce), commitment(key, b"N" * 16)):
        assert other != commitment(key, nonce)


@pytest.mark.parametrize("expected", [b"", bytes(32), bytes(31)])
def test_another_commitment_is_refused(expected: bytes) -> None:
    """A commitment of other bytes, or of another length, stops the opening."""
    with pytest.raises(BrokenCiphertextError, match="secrétariat"):
        check_commitment(FileKey(b"k" * 16), b"n" * 16, expected)
    with pytest.raises(MalformedError):
        check_commitment(FileKey(b"k" * 16), b"n" * 15, expected)


def test_only_headers_go_into_envelopes() -> None:
    """Neither any other text, nor a header of another kind, is put into an envelope."""
    for content in (
        b"",
        b"x" * HEADER_BYTES,
        make_header(FileKey(b"k" * 16), recipient_of(MEMBER), os.urandom) + b"x",
    ):
        with pytest.raises(CryptoError):
            envelope_for(content, recipient_of(RELEASE), os.urandom)


def test_file_keys_are_fresh() -> None:
    """Two sealings of the same text share neither key nor nonce nor digest."""
    one, two = (seal_payload(io.BytesIO(b"x"), io.BytesIO(), entropy=os.urandom) for _ in "ab")
    assert one.file_key != two.file_key
    assert one.nonce != two.nonce
    assert one.sha256 != two.sha256
    assert "redacted" in repr(one)
