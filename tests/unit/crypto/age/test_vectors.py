"""The public test vectors of the age format, all of them."""

from __future__ import annotations

import hashlib
import io
from collections import Counter

import pytest

from crypto.age.armor import decode, encode
from crypto.age.decrypt import decrypt_stream
from crypto.age.errors import ArmorError, HeaderError, HeaderMacError, PayloadError
from crypto.age.header import split_header
from crypto.age.layout import NONCE_BYTES
from crypto.age.payload_seal import seal_bytes, seal_stream
from crypto.age.unwrap import unwrap_file_key
from crypto.errors import NotForThisKeyError
from crypto.keys import FileKey
from tests.support.age_vectors import AgeVector, load_age_vectors

VECTORS = load_age_vectors()
ERRORS = {
    "header failure": HeaderError,
    "armor failure": ArmorError,
    "payload failure": PayloadError,
    "no match": NotForThisKeyError,
    "HMAC failure": HeaderMacError,
}


def binary(vector: AgeVector) -> bytes:
    return decode(vector.file) if vector.armored else vector.file


def named(*expectations: str) -> list[object]:
    return [pytest.param(v, id=v.name) for v in VECTORS if v.expect in expectations]


class Trickle:
    """A stream that hands out as few bytes as a pipe may."""

    def __init__(self, data: bytes, most: int) -> None:
        self._source = io.BytesIO(data)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, self._most))


def test_none_is_missing() -> None:
    """All 143 vectors are there, in the classes that their authors counted."""
    assert len(VECTORS) == 143
    assert Counter(vector.expect for vector in VECTORS) == {
        "success": 26,
        "header failure": 62,
        "armor failure": 22,
        "payload failure": 19,
        "no match": 13,
        "HMAC failure": 1,
    }


@pytest.mark.parametrize("vector", named("success", *ERRORS))
def test_outcome_and_released_plaintext(vector: AgeVector) -> None:
    """Each vector ends as expected, and releases exactly the plaintext that it should."""
    sink = io.BytesIO()
    if vector.expect == "success":
        decrypt_stream(io.BytesIO(vector.file), vector.identities, sink)
    else:
        with pytest.raises(ERRORS[vector.expect]) as caught:
            decrypt_stream(io.BytesIO(vector.file), vector.identities, sink)
        assert caught.type is ERRORS[vector.expect]
        assert str(caught.value)
    if vector.payload_sha256 is not None:
        assert hashlib.sha256(sink.getvalue()).hexdigest() == vector.payload_sha256
    else:
        assert sink.getvalue() == b""


@pytest.mark.parametrize("vector", named("success", "payload failure", "no match", "armor failure"))
def test_outcome_does_not_depend_on_the_reads(vector: AgeVector) -> None:
    """A stream that gives 997 bytes at a time changes neither outcome nor plaintext."""
    sink = io.BytesIO()
    source = Trickle(vector.file, 997)
    if vector.expect == "success":
        decrypt_stream(source, vector.identities, sink)
    else:
        with pytest.raises(ERRORS[vector.expect]):
            decrypt_stream(source, vector.identities, sink)
    if vector.payload_sha256 is not None:
        assert hashlib.sha256(sink.getvalue()).hexdigest() == vector.payload_sha256


@pytest.mark.parametrize("vector", named("success", "payload failure", "no match", "HMAC failure"))
def test_headers_are_canonical(vector: AgeVector) -> None:
    """A header that parses is written back to the same bytes."""
    data = binary(vector)
    header, length = split_header(data)
    assert header.to_bytes() == data[:length]


@pytest.mark.parametrize("vector", named("success"))
def test_payloads_are_reproduced(vector: AgeVector) -> None:
    """Sealing the plaintext again under the vector's key and nonce gives the vector's payload."""
    assert vector.file_key is not None
    data = binary(vector)
    header, length = split_header(data)
    file_key = unwrap_file_key(header, vector.identities)
    assert file_key == FileKey(vector.file_key)
    plaintext = io.BytesIO()
    decrypt_stream(io.BytesIO(data), vector.identities, plaintext)
    payload = data[length:]
    sink = io.BytesIO()
    plaintext.seek(0)
    written = seal_stream(file_key, payload[:NONCE_BYTES], plaintext, sink)
    assert sink.getvalue() == payload
    assert written.length == len(payload)
    assert written.sha256 == hashlib.sha256(payload).hexdigest()
    assert seal_bytes(file_key, payload[:NONCE_BYTES], plaintext.getvalue()) == payload


@pytest.mark.parametrize("vector", [v for v in named("success", "no match") if v.values[0].armored])
def test_armor_round_trip(vector: AgeVector) -> None:
    """What armored vectors hold is armored to the same text, line ends and outer space aside."""
    text = b"\n".join(vector.file.strip().splitlines()) + b"\n"
    assert encode(decode(vector.file)) == text
