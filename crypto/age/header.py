"""The age header, bytes ↔ stanzas (C2SP age.md, "Header"): strict, and canonical by construction.

Everything that parses serialises back to the same bytes: LF only, unpadded canonical base64, body
lines of exactly 64 columns and a shorter last one. No key is needed here and none is looked at, so
the service may use this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from crypto.age.errors import HeaderError
from crypto.age.streams import Prepended, Readable, read_exactly
from crypto.encoding import decode_raw_base64, encode_raw_base64
from crypto.errors import MalformedError

VERSION_LINE: Final = b"age-encryption.org/v1\n"
MAC_BYTES: Final = 32

MAX_HEADER_BYTES: Final = 262_144
"""160 post-quantum stanzas of 1.6 KB: eight times the largest commission. A bound on the memory
that a hostile file can claim before anything of it is authenticated."""

_COLUMNS: Final = 64
_STANZA_PREFIX: Final = b"-> "
_FOOTER: Final = b"---"
_ARGUMENT: Final = re.compile(rb"[\x21-\x7e]+")
_FOOTER_LINE: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})")


@dataclass(frozen=True)
class Stanza:
    """One recipient's part of a header: its type, its arguments, its body."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes

    def to_bytes(self) -> bytes:
        """The lines of this stanza."""
        text = encode_raw_base64(self.body)
        # The last line is shorter than 64 columns, so it is empty when the body fills its lines.
        lines = [text[at : at + _COLUMNS] for at in range(0, len(text) + 1, _COLUMNS)]
        return "\n".join([" ".join(["->", self.kind, *self.arguments]), *lines, ""]).encode()


@dataclass(frozen=True)
class Header:
    """A well-formed header. Its MAC has not been checked: that takes the file key."""

    stanzas: tuple[Stanza, ...]
    mac: bytes

    def covered(self) -> bytes:
        """The bytes that the MAC is computed over: up to and including ``---``."""
        return covered_bytes(self.stanzas)

    def to_bytes(self) -> bytes:
        """The header as written in a file."""
        return self.covered() + b" " + encode_raw_base64(self.mac).encode() + b"\n"


def covered_bytes(stanzas: tuple[Stanza, ...]) -> bytes:
    """What the MAC of a header of these stanzas covers."""
    return VERSION_LINE + b"".join(stanza.to_bytes() for stanza in stanzas) + _FOOTER


def parse_header(data: bytes) -> Header:
    """Parse bytes that are exactly one header; raises HeaderError."""
    header, length = split_header(data)
    if length != len(data):
        raise HeaderError("Des octets suivent l'en-tête age.")
    return header


def split_header(data: bytes) -> tuple[Header, int]:
    """Parse the header at the start of a file, and say how long it is; raises HeaderError."""
    if not data.startswith(VERSION_LINE):
        raise HeaderError("Ce fichier n'est pas un fichier age (version 1).")
    stanzas: list[Stanza] = []
    at = len(VERSION_LINE)
    while True:
        line, after = _line(data, at)
        if line.startswith(_FOOTER):
            return _finish(stanzas, line), after
        stanza, at = _stanza(data, line, after)
        stanzas.append(stanza)


def read_header(source: Readable) -> tuple[Header, Readable]:
    """Parse the header at the start of a stream; the second value reads on from the payload."""
    start = read_exactly(source, MAX_HEADER_BYTES)
    header, length = split_header(start)
    return header, Prepended(start[length:], source)


def _finish(stanzas: list[Stanza], line: bytes) -> Header:
    matched = _FOOTER_LINE.fullmatch(line)
    if matched is None:
        raise HeaderError("La dernière ligne de l'en-tête age est mal formée.")
    if not stanzas:
        raise HeaderError("L'en-tête age ne nomme aucun destinataire.")
    return Header(tuple(stanzas), _base64(matched[1]))


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\n", at, at + MAX_HEADER_BYTES)
    if end < 0 or end >= MAX_HEADER_BYTES:
        raise HeaderError("L'en-tête age est incomplet ou trop long.")
    return data[at:end], end + 1


def _stanza(data: bytes, line: bytes, at: int) -> tuple[Stanza, int]:
    if not line.startswith(_STANZA_PREFIX):
        raise HeaderError("Une ligne de l'en-tête age est mal formée.")
    words = line[len(_STANZA_PREFIX) :].split(b" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise HeaderError("Une ligne de l'en-tête age est mal formée.")
    kind, *arguments = (word.decode("ascii") for word in words)
    body, at = _body(data, at)
    return Stanza(kind, tuple(arguments), body), at


def _body(data: bytes, at: int) -> tuple[bytes, int]:
    lines: list[bytes] = []
    while True:
        line, at = _line(data, at)
        if len(line) > _COLUMNS:
            raise HeaderError("Une ligne de l'en-tête age dépasse 64 colonnes.")
        lines.append(line)
        if len(line) < _COLUMNS:
            return _base64(b"".join(lines)), at


def _base64(text: bytes) -> bytes:
    try:
        return decode_raw_base64(text.decode("ascii"))
    except (MalformedError, UnicodeDecodeError) as error:
        raise HeaderError("L'en-tête age contient du base64 incorrect.") from error
