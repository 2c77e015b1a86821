"""One accepted spelling for each value."""

from __future__ import annotations

import base64
import itertools
import os
from datetime import UTC, datetime, timedelta, timezone

import pytest

from crypto.encoding import (
    decode_base64,
    decode_raw_base64,
    encode_base64,
    encode_raw_base64,
    format_instant,
    new_dossier_reference,
    new_opaque_id,
    parse_dossier_reference,
    parse_instant,
    parse_opaque_id,
)
from crypto.errors import MalformedError


@pytest.mark.parametrize(
    "text",
    [
        "QQ",
        "QR==",
        "QQ==\n",
        " QQ==",
        "QQ= =",
        "QQ===",
        "Q===",
        "Q_8=",
        "QQ==QQ==",
        "é===",
        "QUJD\n",
    ],
)
def test_base64_is_canonical(text: str) -> None:
    """Stray bits, space, missing or extra padding and other alphabets are refused."""
    with pytest.raises(MalformedError):
        decode_base64(text)


@pytest.mark.parametrize("text", ["Q", "QR", "QQ==", "QQ=", "QUJDR", "QUJ ", "QQ\n"])
def test_raw_base64_is_canonical(text: str) -> None:
    """The unpadded form refuses padding and everything that the padded form refuses."""
    with pytest.raises(MalformedError):
        decode_raw_base64(text)


@pytest.mark.parametrize("length", range(8))
def test_base64_round_trip(length: int) -> None:
    """Both forms round-trip at every length."""
    data = os.urandom(length)
    assert decode_base64(encode_base64(data)) == data
    assert decode_raw_base64(encode_raw_base64(data)) == data


def test_opaque_ids() -> None:
    """A fresh id parses; an id with stray bits, another case or length does not."""
    fresh = new_opaque_id(os.urandom)
    assert parse_opaque_id(fresh) == fresh
    for bad in ("a" * 25 + "b", "A" * 26, "a" * 25, "a" * 27, "a" * 26 + "\n", "1" * 26, ""):
        with pytest.raises(MalformedError):
            parse_opaque_id(bad)


def test_dossier_references() -> None:
    """A fresh reference parses; anything near it does not."""
    fresh = new_dossier_reference(os.urandom)
    assert parse_dossier_reference(fresh) == fresh
    assert new_dossier_reference(bytes) == "aaaaa-aaaaa"
    for bad in ("k7qf2m3xta", "K7QF2-M3XTA", "k7qf2-m3xt", "k7qf2-m3xta\n", "k1qf2-m3xta", ""):
        with pytest.raises(MalformedError):
            parse_dossier_reference(bad)


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T00:00:00", "2026-01-01T00:00:00z", "2026-01-01 00:00:00Z", "2026-1-1T00:00:00Z",
     "2026-01-01T00:00:00.0Z", "2026-01-01T00:00:00+00:00", "2026-02-30T00:00:00Z",
     "2026-01-01T24:00:00Z", "2026-06-30T23:59:60Z", "0000-01-01T00:00:00Z",
     "2026-01-01T00:00:00Z\n", "٢٠٢٦-01-01T00:00:00Z", "２０２６-01-01T00:00:00Z", ""],
)  # fmt: skip
def test_instants_have_one_spelling(text: str) -> None:
    """Only UTC, whole seconds, ASCII digits and existing dates are accepted."""
    with pytest.raises(MalformedError):
        parse_instant(text)


def test_instants_round_trip() -> None:
    """An instant in any zone is written in UTC; early years keep their zeros."""
    paris = timezone(timedelta(hours=2))
    assert format_instant(datetime(2026, 7, 1, 1, tzinfo=paris)) == "2026-06-30T23:00:00Z"
    assert format_instant(datetime(2026, 7, 1, 0, 0, 0, 999, tzinfo=UTC)) == "2026-07-01T00:00:00Z"
    early = datetime(999, 1, 1, tzinfo=UTC)
    assert parse_instant(format_instant(early)) == early
    with pytest.raises(MalformedError):
        format_instant(datetime(2026, 7, 1))


def test_base64_is_accepted_in_its_one_form_only() -> None:
    """Every short text over letters, padding, foreign characters: what is read is what would be written."""
    accepted = 0
    for length in range(6):
        for letters in itertools.product("Aw+/= \n-\u00e9\0", repeat=length):
            text = "".join(letters)
            try:
                data = decode_base64(text)
            except MalformedError:
                continue
            assert base64.b64encode(data).decode() == text
            accepted += 1
    # Nothing; four letters; two or one and padding after A or w, whose spare bits are zero.
    assert accepted == 1 + 4**4 + 4 * 4 * 2 + 4 * 2
    for length in range(40):
        data = os.urandom(length)
        assert encode_base64(data) == base64.b64encode(data).decode()
        assert decode_base64(encode_base64(data)) == data
