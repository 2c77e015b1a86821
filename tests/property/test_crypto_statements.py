"""Properties of statements that hold for every input."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.encoding import format_instant, parse_instant
from crypto.errors import CryptoError, MalformedError
from crypto.statements import parse_any, pre_authentication_encoding, seal, verify
from crypto.statements.exchange import Withdrawal
from crypto.statements.model import load_strict_json
from tests.support.statement_samples import ROOTS, sample

SEALED = seal(sample(Withdrawal), [ROOTS[0]])
KEY = ROOTS[0].verify_key()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.integers(0, 8 * len(SEALED.envelope) - 1))
@settings(max_examples=400)
def test_no_flipped_bit_gives_another_verified_statement(bit: int) -> None:
    """An altered envelope is refused, or says and is exactly the same."""
    altered = bytearray(SEALED.envelope)
    altered[bit // 8] ^= 1 << bit % 8
    try:
        verified = verify(parse_any(bytes(altered)), KEY)
    except CryptoError:
        return
    assert verified.digest == SEALED.digest
    assert verified.statement == SEALED.statement


@given(st.binary(max_size=300))
def test_noise_is_no_statement(noise: bytes) -> None:
    """Arbitrary bytes raise nothing but the format's own error."""
    with pytest.raises(MalformedError):
        parse_any(noise)


@given(JSON)
def test_arbitrary_json_is_no_statement(value: object) -> None:
    """Arbitrary JSON, as an envelope or as a body, is refused cleanly."""
    text = json.dumps(value).encode()
    with pytest.raises(MalformedError):
        parse_any(text)
    with pytest.raises(MalformedError):
        Withdrawal.from_body(text)


@given(JSON)
def test_strict_json_agrees_with_json(value: object) -> None:
    """What the strict reader accepts, it reads as everybody does."""
    text = json.dumps(value).encode()
    try:
        loaded = load_strict_json(text, limit=1_000_000)
    except MalformedError:
        return
    assert loaded == json.loads(text)


@given(st.text(max_size=20), st.binary(max_size=20), st.text(max_size=20), st.binary(max_size=20))
def test_the_encoding_is_injective(a: str, x: bytes, b: str, y: bytes) -> None:
    """Two different pairs of type and body never have the same encoding."""
    same = pre_authentication_encoding(a, x) == pre_authentication_encoding(b, y)
    assert same == ((a, x) == (b, y))


@given(st.datetimes(timezones=st.timezones()))
def test_instants_round_trip(moment: object) -> None:
    """Every instant's text parses back to itself."""
    try:
        text = format_instant(moment)  # type: ignore[arg-type]
    except OverflowError:  # a zone that moves the date beyond year 1 or 9999
        return
    assert format_instant(parse_instant(text)) == text


@given(st.text(alphabet="0123456789-:TZ+ ٠١٢", max_size=21))
def test_what_parses_as_an_instant_is_canonical(text: str) -> None:
    """No second spelling of an instant is accepted."""
    try:
        moment = parse_instant(text)
    except MalformedError:
        return
    assert format_instant(moment) == text
