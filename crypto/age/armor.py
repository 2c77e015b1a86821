"""The text armor of age files: PEM of RFC 7468 in its strict form, label ``AGE ENCRYPTED FILE``.

Read from a stream: one line in memory at a time. Lines of exactly 64 columns, the last one shorter
or full; CRLF or LF; white space only before the first line and after the last (C2SP age.md,
"ASCII armor").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from crypto.age.errors import ArmorError
from crypto.age.streams import Prepended, Readable, read_exactly
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"

MAX_SPACE_BYTES: Final = 1_024
"""White space tolerated before and after: what a mail program adds, as the reference allows."""

_COLUMNS: Final = 64
_SPACE: Final = b" \t\r\n\v\f"


def encode(data: bytes) -> bytes:
    """``data`` in armor."""
    text = encode_base64(data).encode()
    lines = [text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS)]
    return b"\n".join([BEGIN, *lines, END, b""])


def decode(data: bytes) -> bytes:
    """What is inside the armor; raises ArmorError."""
    return b"".join(_decoded(Prepended(data, _Nothing())))


def dearmored(source: Readable) -> Readable:
    """``source`` itself when it is binary, its decoded content when it is armored."""
    start = read_exactly(source, MAX_SPACE_BYTES + len(BEGIN))
    whole = Prepended(start, source)
    # Text with dashes is meant as armor even when it is spoilt: the error then says so.
    binary = start.startswith(b"age-encryption.org/") or b"-----" not in start
    return whole if binary else _Dearmored(whole)


class _Nothing:
    def read(self, _size: int, /) -> bytes:
        return b""


class _Dearmored:
    """The decoded content of an armored stream."""

    def __init__(self, source: Readable) -> None:
        self._pieces = _decoded(source)
        self._buffer = bytearray()

    def read(self, size: int, /) -> bytes:
        while len(self._buffer) < size and (piece := next(self._pieces, None)) is not None:
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _decoded(source: Readable) -> Iterator[bytes]:
    lines = _Lines(source)
    if lines.first() != BEGIN:
        raise ArmorError("Le texte ne commence pas par « -----BEGIN AGE ENCRYPTED FILE----- ».")
    full = True
    while (line := lines.next()) != END:
        if not full or not 1 <= len(line) <= _COLUMNS:
            raise ArmorError("Une ligne du texte chiffré n'a pas 64 colonnes.")
        full = len(line) == _COLUMNS
        data, full = _decode_line(line, full=full)
        yield data
    lines.expect_end()


def _decode_line(line: bytes, *, full: bool) -> tuple[bytes, bool]:
    """The bytes of a line, and whether another may follow it (not after padding)."""
    try:
        return decode_base64(line.decode("ascii")), full and not line.endswith(b"=")
    except (MalformedError, UnicodeDecodeError) as error:
        raise ArmorError("Une ligne du texte chiffré n'est pas du base64 correct.") from error


class _Lines:
    """Lines of a stream, never more than one block in memory."""

    _BLOCK: Final = 65_536

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0

    def first(self) -> bytes:
        """The first line after at most ``MAX_SPACE_BYTES`` of white space."""
        start = read_exactly(self._source, MAX_SPACE_BYTES + len(BEGIN) + 2)
        text = start.lstrip(_SPACE)
        if len(start) - len(text) > MAX_SPACE_BYTES:
            raise ArmorError("Trop d'espaces précèdent le texte chiffré.")
        self._buffer = text
        return self.next()

    def next(self) -> bytes:
        """The next line without its LF or CRLF; the last line needs none."""
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            self._buffer = self._buffer[self._at :] + read_exactly(self._source, self._BLOCK)
            self._at = 0
            end = self._buffer.find(b"\n")
        if end < 0:
            end = len(self._buffer)
            if end == 0 or end > _COLUMNS + 1:
                raise ArmorError("Le texte chiffré s'arrête avant sa dernière ligne.")
        line = self._buffer[self._at : end]
        self._at = min(end + 1, len(self._buffer))
        return line.removesuffix(b"\r")

    def expect_end(self) -> None:
        """Only white space may follow."""
        rest = self._buffer[self._at :] + read_exactly(self._source, MAX_SPACE_BYTES + 1)
        if rest.strip(_SPACE):
            raise ArmorError("Du texte suit la fin du texte chiffré.")
        if len(rest) > MAX_SPACE_BYTES:
            raise ArmorError("Trop d'espaces suivent le texte chiffré.")
