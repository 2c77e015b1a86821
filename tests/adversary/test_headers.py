"""Headers and envelopes that a dishonest depositor, server or broker might hand out."""

from __future__ import annotations

import hashlib
import hmac
import io
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.age.errors import HeaderError
from crypto.age.header import Header, Stanza, parse_header
from crypto.age.identities import recipient_of, x25519_recipient_of
from crypto.age.primitives import HYBRID_LABEL, header_mac
from crypto.age.unwrap import unwrap_file_key
from crypto.age.wrap import make_header, make_header_for_all
from crypto.edge.seal import SealedPayload, envelope_for, header_for, seal_payload
from crypto.edge.unseal import check_commitment, open_payload, unwrap_header
from crypto.encoding import decode_raw_base64, encode_raw_base64
from crypto.envelope import check_envelope, check_header
from crypto.errors import (
    BrokenCiphertextError,
    CryptoError,
    MalformedError,
    NotForThisKeyError,
)
from crypto.keys import FileKey, HybridIdentity, X25519Identity

MEMBER, OTHER, RELEASE = (HybridIdentity(letter * 32) for letter in (b"m", b"o", b"r"))
CLASSIC = X25519Identity(b"c" * 32)
LOW_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)


def deposit(text: bytes) -> tuple[SealedPayload, bytes]:
    sink = io.BytesIO()
    sealed = seal_payload(io.BytesIO(text), sink, entropy=os.urandom)
    return sealed, sink.getvalue()


def resealed(key: FileKey, *stanzas: Stanza) -> bytes:
    """A header of any stanzas with a MAC that is right: the attacker knows the file key."""
    unsealed = Header(stanzas, bytes(32))
    return Header(stanzas, header_mac(key, unsealed.covered())).to_bytes()


def test_two_recipients_in_one_header_are_refused() -> None:
    """A second reader cannot ride in a member's header, however well-formed."""
    key = FileKey(b"k" * 16)
    both = make_header_for_all(key, [recipient_of(MEMBER), recipient_of(OTHER)], os.urandom)
    assert unwrap_file_key(parse_header(both), [MEMBER]) == key
    for check in (check_header, lambda data: unwrap_header(data, MEMBER)):
        with pytest.raises(MalformedError):
            check(both)
    with pytest.raises(MalformedError):
        envelope_for(both, recipient_of(RELEASE), os.urandom)


def test_a_classic_header_is_refused_where_a_hybrid_is_due() -> None:
    """One classic header would end the dossier's post-quantum secrecy: nobody accepts it."""
    classic = make_header(FileKey(b"k" * 16), x25519_recipient_of(CLASSIC), os.urandom)
    with pytest.raises(MalformedError):
        check_header(classic)
    with pytest.raises(MalformedError):
        unwrap_header(classic, MEMBER)
    with pytest.raises(MalformedError):
        envelope_for(classic, recipient_of(RELEASE), os.urandom)
    with pytest.raises(MalformedError):
        check_envelope(encrypt_to(classic, recipient_of(RELEASE), os.urandom))


def test_an_envelope_to_a_classic_key_is_refused() -> None:
    """An envelope that a classic key opens is no envelope, whatever it holds."""
    header = header_for(FileKey(b"k" * 16), recipient_of(MEMBER), os.urandom)
    with pytest.raises(MalformedError):
        check_envelope(encrypt_to(header, x25519_recipient_of(CLASSIC), os.urandom))


def crafted(point: bytes, x25519_secret: bytes) -> Stanza:
    """The stanza of a sender who computes X-Wing and HPKE (RFC 9180, base mode) with any share."""
    raw, suite = recipient_of(MEMBER).raw, b"HPKE\x64\x7a\x00\x01\x00\x03"
    mlkem_secret, encapsulated = MLKEM768PublicKey.from_public_bytes(raw[:-32]).encapsulate()
    combined = mlkem_secret + x25519_secret + point + raw[-32:] + b"\\.//^\\"
    shared = hashlib.sha3_256(combined).digest()

    def extract(salt: bytes, label: bytes, key: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + key, "sha256")

    def expand(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
        start = length.to_bytes(2, "big") + b"HPKE-v1" + suite
        return hmac.digest(key, start + label + context + b"\x01", "sha256")[:length]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", HYBRID_LABEL)
    secret = extract(shared, b"secret", b"")
    cipher = ChaCha20Poly1305(expand(secret, b"key", context, 32))
    body = cipher.encrypt(expand(secret, b"base_nonce", context, 12), b"k" * 16, None)
    return Stanza("mlkem768x25519", (encode_raw_base64(encapsulated + point),), body)


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_low_order_shares_open_nothing_even_when_all_else_fits(point: bytes) -> None:
    """The sender who knows that everybody's secret is zero is refused; an honest one is not."""
    key = FileKey(b"k" * 16)
    with pytest.raises(HeaderError, match="ordre petit"):
        unwrap_header(resealed(key, crafted(point, bytes(32))), MEMBER)
    own = X25519PrivateKey.generate()
    theirs = X25519PublicKey.from_public_bytes(recipient_of(MEMBER).raw[-32:])
    honest = crafted(own.public_key().public_bytes_raw(), own.exchange(theirs))
    assert unwrap_header(resealed(key, honest), MEMBER) == key


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex()[:8])
def test_low_order_shares_are_malformed(point: bytes) -> None:
    """A share that gives everyone the same secret is refused as malformed in both kinds."""
    key = FileKey(b"k" * 16)
    hybrid = parse_header(make_header(key, recipient_of(MEMBER), os.urandom)).stanzas[0]
    share = decode_raw_base64(hybrid.arguments[0])[:-32] + point
    forged = Stanza(hybrid.kind, (encode_raw_base64(share),), hybrid.body)
    with pytest.raises(HeaderError, match="ordre petit"):
        unwrap_header(resealed(key, forged), MEMBER)
    classic = Stanza("X25519", (encode_raw_base64(point),), bytes(32))
    with pytest.raises(HeaderError, match="ordre petit"):
        unwrap_file_key(parse_header(resealed(key, classic)), [CLASSIC])


def test_the_header_of_another_deposit_opens_nothing() -> None:
    """A member's genuine header of one deposit neither passes for nor opens another."""
    (first, _payload), (second, payload) = deposit(b"premier"), deposit(b"second")
    swapped = header_for(first.file_key, recipient_of(MEMBER), os.urandom)
    file_key = unwrap_header(swapped, MEMBER)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(file_key, second.nonce, second.commitment)
    with pytest.raises(BrokenCiphertextError):
        open_payload(file_key, io.BytesIO(payload)).read(1)


def test_the_header_of_another_member_opens_nothing() -> None:
    """Another member's header is not for this key, and says so: no alarm, no secret."""
    sealed, _payload = deposit(b"texte")
    with pytest.raises(NotForThisKeyError):
        unwrap_header(header_for(sealed.file_key, recipient_of(OTHER), os.urandom), MEMBER)


def test_a_dead_header_is_noticed() -> None:
    """A header to the right member with the wrong key (a targeted exclusion) is refused, not used."""
    sealed, _payload = deposit(b"texte")
    dead = header_for(FileKey.generate(os.urandom), recipient_of(MEMBER), os.urandom)
    with pytest.raises(BrokenCiphertextError):
        check_commitment(unwrap_header(dead, MEMBER), sealed.nonce, sealed.commitment)


def test_a_body_moved_between_stanzas_does_not_open() -> None:
    """The wrapped key is bound to its share: mixing two honest stanzas gives nothing."""
    key = FileKey(b"k" * 16)
    one, two = (
        parse_header(make_header(key, recipient_of(MEMBER), os.urandom)).stanzas[0] for _ in "ab"
    )
    mixed = resealed(key, Stanza(one.kind, one.arguments, two.body))
    with pytest.raises(NotForThisKeyError):
        unwrap_header(mixed, MEMBER)


def test_an_envelope_of_another_release_key_stays_shut() -> None:
    """The broker's key of one deposit opens no envelope of another deposit."""
    header = header_for(FileKey(b"k" * 16), recipient_of(MEMBER), os.urandom)
    envelope = envelope_for(header, recipient_of(RELEASE), os.urandom)
    for identity in (OTHER, MEMBER):
        with pytest.raises(NotForThisKeyError):
            decrypt_with(envelope, identity)


def test_an_envelope_that_holds_no_header_is_noticed_when_opened() -> None:
    """An envelope of exactly the right form with other content passes the server, not the broker."""
    fake = encrypt_to(os.urandom(1627), recipient_of(RELEASE), os.urandom)
    check_envelope(fake)
    with pytest.raises(CryptoError):
        check_header(decrypt_with(fake, RELEASE))
