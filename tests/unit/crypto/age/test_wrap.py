"""Stanzas, made and opened; and the refusals that protect the file key."""

from __future__ import annotations

import os

import pytest

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to, encrypt_with_passphrase
from crypto.age.errors import HeaderError, HeaderMacError
from crypto.age.header import Header, Stanza, parse_header
from crypto.age.identities import Passphrase, recipient_of, x25519_recipient_of
from crypto.age.primitives import header_mac
from crypto.age.recipients import X25519Recipient, check_recipient
from crypto.age.unwrap import MAX_LOG_N, unwrap_file_key
from crypto.age.wrap import make_header, make_header_for_all, make_passphrase_header
from crypto.errors import MalformedError, NotForThisKeyError
from crypto.keys import FileKey, HybridIdentity, Recipient, X25519Identity

KEY = FileKey(b"YELLOW SUBMARINE")
HYBRID, OTHER = HybridIdentity(b"a" * 32), HybridIdentity(b"b" * 32)
CLASSIC = X25519Identity(b"c" * 32)


def resealed(*stanzas: Stanza, key: FileKey = KEY) -> Header:
    """A header of these stanzas with a MAC that is right."""
    unsealed = Header(stanzas, bytes(32))
    return Header(stanzas, header_mac(key, unsealed.covered()))


def stanza_for(recipient: Recipient | X25519Recipient) -> Stanza:
    return parse_header(make_header(KEY, recipient, os.urandom)).stanzas[0]


def test_each_kind_opens_with_its_key_alone() -> None:
    """A header opens with the identity that it was made for and with no other."""
    for identity, recipient in (
        (HYBRID, recipient_of(HYBRID)),
        (CLASSIC, x25519_recipient_of(CLASSIC)),
    ):
        header = parse_header(make_header(KEY, recipient, os.urandom))
        assert unwrap_file_key(header, [OTHER, identity]) == KEY
        with pytest.raises(NotForThisKeyError):
            unwrap_file_key(header, [OTHER, X25519Identity(b"d" * 32), Passphrase("x")])
        with pytest.raises(NotForThisKeyError):
            unwrap_file_key(header, [])


def test_passphrase() -> None:
    """A passphrase opens its file, another does not, and the salt differs each time."""
    headers = [
        make_passphrase_header(KEY, Passphrase("sésame"), os.urandom, log_n=10) for _ in "ab"
    ]
    assert headers[0] != headers[1]
    assert unwrap_file_key(parse_header(headers[0]), [Passphrase("sésame")]) == KEY
    with pytest.raises(NotForThisKeyError):
        unwrap_file_key(parse_header(headers[0]), [Passphrase("sesame")])


def test_one_header_for_all() -> None:
    """Each of several recipients opens the same header."""
    recipients = [recipient_of(HYBRID), recipient_of(OTHER)]
    header = parse_header(make_header_for_all(KEY, recipients, os.urandom))
    assert unwrap_file_key(header, [HYBRID]) == unwrap_file_key(header, [OTHER]) == KEY


def test_families_do_not_mix() -> None:
    """One classic recipient among post-quantum ones is refused, and so is nobody."""
    with pytest.raises(MalformedError, match="mélangent"):
        make_header_for_all(KEY, [recipient_of(HYBRID), x25519_recipient_of(CLASSIC)], os.urandom)
    with pytest.raises(MalformedError, match="au moins un"):
        make_header_for_all(KEY, [], os.urandom)


def test_unknown_stanzas_are_passed_over() -> None:
    """A stanza of a kind that we do not know is nobody's fault (age's grease)."""
    header = resealed(Stanza("grease", ("a", "b"), b""), stanza_for(recipient_of(HYBRID)))
    assert unwrap_file_key(header, [HYBRID]) == KEY


def test_a_foreign_mac_is_refused() -> None:
    """A header whose stanzas were exchanged keeps the wrong MAC and is refused as broken."""
    header = Header((stanza_for(recipient_of(HYBRID)),), bytes(32))
    with pytest.raises(HeaderMacError):
        unwrap_file_key(header, [HYBRID])


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((), bytes(32)),
        (("AAAA",), bytes(32)),
        (("same", "extra"), bytes(32)),
        (("same",), bytes(31)),
        (("same",), bytes(33)),
        (("same",), b""),
    ],
)
@pytest.mark.parametrize("identity", [HYBRID, CLASSIC])
def test_misshapen_stanzas_stop_at_once(
    identity: HybridIdentity | X25519Identity, arguments: tuple[str, ...], body: bytes
) -> None:
    """A stanza of our kind with wrong sizes is malformed; it is not taken for someone else's."""
    recipient = recipient_of(identity) if identity is HYBRID else x25519_recipient_of(CLASSIC)
    good = stanza_for(recipient)
    filled = tuple(good.arguments[0] if each == "same" else each for each in arguments)
    with pytest.raises(HeaderError):
        unwrap_file_key(resealed(Stanza(good.kind, filled, body)), [identity])


@pytest.mark.parametrize(
    ("arguments"),
    [("AAAAAAAAAAAAAAAAAAAAAA",), ("AAAA", "10"), ("AAAAAAAAAAAAAAAAAAAAAA", "010"),
     ("AAAAAAAAAAAAAAAAAAAAAA", "+10"), ("AAAAAAAAAAAAAAAAAAAAAA", "0"), ("AAAAAAAAAAAAAAAAAAAAAA", "٣"),
     ("AAAAAAAAAAAAAAAAAAAAAA", str(MAX_LOG_N + 1)), ("AAAAAAAAAAAAAAAAAAAAAA", "1" * 5000)],
)  # fmt: skip
def test_scrypt_parameters_are_bounded(arguments: tuple[str, ...]) -> None:
    """A file cannot make us spend more memory than the limit, nor spell its factor oddly."""
    with pytest.raises(HeaderError):
        unwrap_file_key(resealed(Stanza("scrypt", arguments, bytes(32))), [Passphrase("x")])


def test_scrypt_stands_alone() -> None:
    """A passphrase stanza beside another is refused for every kind of key."""
    alone = parse_header(make_passphrase_header(KEY, Passphrase("x"), os.urandom, log_n=10))
    header = resealed(alone.stanzas[0], stanza_for(recipient_of(HYBRID)))
    for identity in (HYBRID, Passphrase("x")):
        with pytest.raises(HeaderError):
            unwrap_file_key(header, [identity])


def test_recipients_of_small_order_receive_nothing() -> None:
    """A key whose X25519 half gives everyone the same secret is refused in every place."""
    good = recipient_of(HYBRID).raw
    for point in (bytes(32), b"\x01" + bytes(31)):
        bad = Recipient(good[:1184] + point)
        with pytest.raises(MalformedError, match="ordre petit"):
            check_recipient(bad)
        with pytest.raises(MalformedError):
            make_header(KEY, bad, os.urandom)
        with pytest.raises(MalformedError):
            make_header(KEY, X25519Recipient(point), os.urandom)
    check_recipient(Recipient(good))


def test_small_files_round_trip() -> None:
    """Whole files open again; two files of the same text share no byte of payload."""
    for text in (b"", b"x", bytes(200_000)):
        assert decrypt_with(encrypt_to(text, recipient_of(HYBRID), os.urandom), HYBRID) == text
    first, second = (encrypt_to(b"x" * 64, recipient_of(HYBRID), os.urandom) for _ in "ab")
    assert first[-80:] != second[-80:]
    locked = encrypt_with_passphrase(b"text", Passphrase("x"), os.urandom, log_n=10)
    assert decrypt_with(locked, Passphrase("x")) == b"text"


def test_entropy_is_asked_for_everything_that_must_be_fresh() -> None:
    """File key, payload nonce, ephemeral key and salt are drawn from the entropy given."""
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    encrypt_to(b"x", x25519_recipient_of(CLASSIC), entropy)
    assert sorted(asked) == [16, 16, 32]
    asked.clear()
    encrypt_with_passphrase(b"x", Passphrase("x"), entropy, log_n=10)
    assert asked == [16, 16, 16]


def test_passphrases_do_not_show() -> None:
    """A passphrase prints its role only, and is neither pickled nor hashed."""
    import copy
    import pickle

    secret = Passphrase("sésame")
    assert "same" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    assert secret == Passphrase("sésame")
    assert secret != Passphrase("sesame")
    for act in (hash, pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            act(secret)
    with pytest.raises(MalformedError):
        Passphrase("")
    with pytest.raises(MalformedError):
        Passphrase("x" * 1025)
