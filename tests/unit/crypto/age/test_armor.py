"""The text armor: one form, tolerant only of space around it."""

from __future__ import annotations

import io

import pytest

from crypto.age import armor
from crypto.age.armor import BEGIN, END, MAX_SPACE_BYTES
from crypto.age.errors import ArmorError


@pytest.mark.parametrize("length", [1, 47, 48, 49, 96, 1000, 100_000])
def test_round_trip(length: int) -> None:
    """Whatever is armored comes out the same, read whole or in drops."""
    data = bytes(at % 251 for at in range(length))
    text = armor.encode(data)
    assert armor.decode(text) == data
    assert armor.decode(text.replace(b"\n", b"\r\n")) == data
    source = armor.dearmored(io.BytesIO(b"\n \t" + text + b"\n\n"))
    drops = bytearray()
    while drop := source.read(7):
        drops += drop
    assert bytes(drops) == data


def test_binary_passes_untouched() -> None:
    """A binary file is handed on as it is, even when dashes occur in it."""
    data = b"age-encryption.org/v1\n-----BEGIN AGE ENCRYPTED FILE-----" + bytes(5000)
    assert armor.dearmored(io.BytesIO(data)).read(10_000)[:40] == data[:40]


BODY = armor.encode(bytes(100))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        BODY[:-10],
        BODY.replace(b"BEGIN AGE", b"BEGIN RAGE"),
        BODY.replace(b"END AGE", b"END RAGE"),
        BODY.replace(BEGIN + b"\n", BEGIN + b"\n\n"),
        BODY.replace(BEGIN, BEGIN + b" "),
        BODY.replace(b"AAAA\n", b"AA==\nAAAA\n", 1),
        BODY.replace(b"A\n", b"A\nA", 1),
        BODY.replace(b"==\n", b"\n"),
        BODY.replace(b"A==\n", b"B==\n"),
        BODY.replace(b"==\n" + END, b"==\nAAAA\n" + END),
        BODY.replace(b"A\n", b"A \n", 1),
        BODY.replace(b"AAAA", b"AA*A", 1),
        BODY.replace(b"AAAA", b"\xc3\xa9A", 1),
        b" " * (MAX_SPACE_BYTES + 1) + BODY,
        BODY + b" " * (MAX_SPACE_BYTES + 1),
        BODY + b"x",
        b"x" + BODY,
        BEGIN + b"\n" + b"A" * 200_000,
    ],
)
def test_each_deviation_is_refused(text: bytes) -> None:
    """No second spelling of an armored file is accepted."""
    with pytest.raises(ArmorError):
        armor.decode(text)
