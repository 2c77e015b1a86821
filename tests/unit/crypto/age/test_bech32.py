"""Bech32: one accepted spelling, and no echo of what may be a secret."""

from __future__ import annotations

import pytest

from crypto.age import bech32
from crypto.age.identities import format_identity, parse_identity, recipient_of, x25519_recipient_of
from crypto.age.recipients import format_recipient, parse_recipient
from crypto.errors import MalformedError
from crypto.keys import HybridIdentity, Recipient, X25519Identity

SECRET = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


def test_known_strings() -> None:
    """Strings valid by BIP 173, and the round trip of a prefix that holds the separator."""
    assert bech32.decode("A12UEL5L") == ("a", b"")
    assert bech32.decode(bech32.encode("an84characters1", b"\x00\xff")) == (
        "an84characters1",
        b"\x00\xff",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "pzry9x0s0muk",  # no separator
        "1pzry9x0s0muk",  # no prefix
        "x1b4n0q5v",  # letter outside the alphabet
        "li1dgmt3",  # checksum too short
        "A1G7SGD8",  # checksum made with an upper-case prefix
        "a12UEL5L",  # mixed case
        "A12UEL5É",
        "a" * 5000,
    ],
)
def test_invalid_strings_are_refused(text: str) -> None:
    """What BIP 173 calls invalid is refused."""
    with pytest.raises(MalformedError):
        bech32.decode(text)


def test_non_zero_padding_is_refused() -> None:
    """The bits that fill the last letter are zero: no second spelling of the same bytes."""
    values = [31]  # five bits set where eight are due
    checksum = bech32._polymod([*bech32._expand("a"), *values, *[0] * 6]) ^ 1
    letters = values + [(checksum >> 5 * (5 - place)) & 31 for place in range(6)]
    text = "a1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in letters)
    with pytest.raises(MalformedError, match="canonique"):
        bech32.decode(text)


def test_identities_and_recipients_round_trip() -> None:
    """Each kind of key is written and read back, with its own prefix."""
    classic, hybrid = X25519Identity(b"B" * 32), HybridIdentity(b"B" * 32)
    assert format_identity(classic) == SECRET
    assert parse_identity(SECRET) == classic
    assert format_identity(hybrid).startswith("AGE-SECRET-KEY-PQ-1")
    assert parse_identity(format_identity(hybrid)) == hybrid
    assert parse_identity(SECRET) != hybrid
    for recipient in (x25519_recipient_of(classic), recipient_of(hybrid)):
        assert parse_recipient(format_recipient(recipient)) == recipient
    assert len(format_recipient(recipient_of(hybrid))) == 1959


def test_every_single_letter_slip_is_found() -> None:
    """Any one letter replaced makes the text invalid."""
    for at in range(len("AGE-SECRET-KEY-1"), len(SECRET)):
        letter = "Q" if SECRET[at] != "Q" else "P"
        with pytest.raises(MalformedError):
            parse_identity(SECRET[:at] + letter + SECRET[at + 1 :])


@pytest.mark.parametrize(
    "text", [SECRET.lower(), SECRET + "Q", SECRET[:-1], " " + SECRET, SECRET + "\n"]
)
def test_errors_never_quote_a_secret(text: str) -> None:
    """A refused secret key is not repeated in the error, nor in what caused it."""
    with pytest.raises(MalformedError) as caught:
        parse_identity(text)
    shown = f"{caught.value} {caught.value.params} {caught.value.__cause__!r}"
    assert "GFPYYSJ" not in shown.upper()


def test_prefix_and_length_must_agree() -> None:
    """A classic key under the hybrid prefix, a wrong case or a wrong length is no key."""
    for text in (
        bech32.encode("age1pq", bytes(32)),
        bech32.encode("age", bytes(33)),
        bech32.encode("age", bytes(32)).upper(),
        bech32.encode("age1tag", bytes(33)),
    ):
        with pytest.raises(MalformedError):
            parse_recipient(text)
    with pytest.raises(MalformedError):
        parse_identity(bech32.encode("age-secret-key-pq-", bytes(31)).upper())


def test_a_recipient_that_is_no_point_of_the_scheme_is_refused() -> None:
    """An unreduced ML-KEM key (FIPS 203 section 7.2) is refused when it is parsed."""
    with pytest.raises(MalformedError, match="ML-KEM"):
        parse_recipient(bech32.encode("age1pq", Recipient(b"\xff" * 1216).raw))
