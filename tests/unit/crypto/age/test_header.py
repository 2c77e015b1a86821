"""The age header: strict, canonical, bounded."""

from __future__ import annotations

import io

import pytest

from crypto.age.errors import HeaderError
from crypto.age.header import (
    MAX_HEADER_BYTES,
    VERSION_LINE,
    Header,
    Stanza,
    parse_header,
    read_header,
    split_header,
)

MAC = bytes(range(32))
STANZA = Stanza("example", ("one", "two"), b"body")
GOOD = Header((STANZA,), MAC).to_bytes()


def test_layout() -> None:
    """The bytes are those of the specification."""
    assert GOOD == (
        b"age-encryption.org/v1\n-> example one two\nYm9keQ\n"
        b"--- AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
    )
    assert parse_header(GOOD) == Header((STANZA,), MAC)


@pytest.mark.parametrize("length", [0, 1, 47, 48, 49, 95, 96, 97, 1000])
def test_bodies_of_every_shape(length: int) -> None:
    """A body that fills its lines is followed by an empty line; all lengths round-trip."""
    header = Header((Stanza("t", (), bytes(length)), STANZA), MAC)
    data = header.to_bytes()
    assert parse_header(data) == header
    assert max(len(line) for line in data.splitlines()[1:-1]) <= 64
    assert (b"\n\n" in data) == (length % 48 == 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/v1\n", b"/v2\n"),
        (b"/v1\n", b"/v1\r\n"),
        (b"-> example", b"->  example"),
        (b"-> example", b"->example"),
        (b"-> example", b"-> \x7fexample"),
        (b"-> example one", b"-> example\tone"),
        (b"two\n", b"two \n"),
        (b"two\n", b"two\r\n"),
        (b"Ym9keQ\n", b"Ym9keQ==\n"),
        (b"Ym9keQ\n", b"Ym9keR\n"),
        (b"Ym9keQ\n", b"Ym9keQ \n"),
        (b"Ym9keQ\n", b"Ym9\nkeQ\n"),
        (b"Ym9keQ\n", b"Ym9keQ\n\n"),
        (b"Ym9keQ\n", b"\xc3\xa9\n"),
        (b"Ym9keQ\n", b""),
        (b"--- ", b"---"),
        (b"--- ", b"---  "),
        (b"--- ", b"---- "),
        (b"Hh8\n", b"Hh9\n"),
        (b"Hh8\n", b"Hh8=\n"),
        (b"Hh8\n", b"Hh8"),
        (b"Hh8\n", b"Hh8\r\n"),
        (b"Hh8\n", b"\n"),
        (b"-> example one two\nYm9keQ\n", b""),
    ],
)
def test_each_deviation_is_refused(old: bytes, new: bytes) -> None:
    """No second spelling of a header is accepted."""
    assert old in GOOD
    with pytest.raises(HeaderError):
        parse_header(GOOD.replace(old, new, 1))


def test_what_follows_belongs_to_the_payload() -> None:
    """A header alone refuses trailing bytes; a file hands them on unread."""
    with pytest.raises(HeaderError, match="suivent"):
        parse_header(GOOD + b"x")
    assert split_header(GOOD + b"payload") == (Header((STANZA,), MAC), len(GOOD))
    _header, rest = read_header(io.BytesIO(GOOD + b"payload"))
    assert [rest.read(3), rest.read(100), rest.read(1)] == [b"pay", b"load", b""]


def test_a_header_without_end_is_refused_in_bounded_memory() -> None:
    """A header that never ends is refused after the limit, not read whole."""

    class Endless:
        taken = 0

        def read(self, size: int, /) -> bytes:
            self.taken += size
            return (
                VERSION_LINE + b"-> x\n" + b"A" * 64 + b"\n" if self.taken == size else b"A" * size
            )

    source = Endless()
    with pytest.raises(HeaderError):
        read_header(source)
    assert source.taken <= 2 * MAX_HEADER_BYTES


def test_a_header_over_the_limit_is_refused_even_whole() -> None:
    """The limit holds for bytes already in memory as well."""
    many = Header((STANZA,) * (MAX_HEADER_BYTES // 20), MAC).to_bytes()
    with pytest.raises(HeaderError):
        split_header(many)
