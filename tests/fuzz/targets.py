"""What may never happen, whatever the bytes: another error than the format's, a second spelling, a
change that goes unnoticed. A target returns silently or raises; the fuzzer reports what it raised.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from crypto.age import armor
from crypto.age.errors import ArmorError, HeaderError
from crypto.age.header import (
    MAX_HEADER_BYTES,
    VERSION_LINE,
    parse_header,
    read_header,
    split_header,
)
from crypto.age.streams import Readable
from crypto.edge.card import CARD_PATH
from crypto.edge.container import read_container
from crypto.edge.paths import check_path
from crypto.edge.tar import BLOCK, END_BLOCKS, entry_header, padded_length
from crypto.encoding import encode_base64
from crypto.envelope import check_envelope, check_header
from crypto.errors import BadSignatureError, MalformedError
from crypto.statements import STATEMENT_TYPES, parse_any, seal, verify
from tests.support.containers import container_of
from tests.support.shared_vectors.statements import enveloped
from tests.support.statement_samples import ROOTS

Target = Callable[[bytes], None]

TYPES = tuple(STATEMENT_TYPES)
CONTAINER = container_of({"a.pdf": b"abc", "pièces/b.jpg": bytes(600)})
COPY_BYTES = 65_536


def fuzz_header(data: bytes) -> None:
    """Headers: refused as such, or written back to the same bytes, from memory and from a stream."""
    for text in (data, VERSION_LINE + data):
        try:
            header, length = split_header(text)
        except HeaderError:
            _refuses_as_header(text)
            continue
        assert header.to_bytes() == text[:length], "a second spelling of a header"
        assert parse_header(text[:length]) == header
        if length <= MAX_HEADER_BYTES:
            streamed, rest = read_header(io.BytesIO(text))
            assert streamed == header
            assert rest.read(len(text)) == text[length:]
        _refuses_as_header(text)


def _refuses_as_header(text: bytes) -> None:
    """The service's own checks raise nothing but MalformedError."""
    for check in (check_header, check_envelope):
        try:
            check(text)
        except MalformedError:
            continue


def fuzz_armor(data: bytes) -> None:
    """Armor: refused as such, or the one armor of its content but for line ends and outer space."""
    for text in (data, armor.BEGIN + b"\n" + data + armor.END):
        try:
            decoded = armor.decode(text)
        except ArmorError:
            continue
        assert armor.encode(decoded).strip() == text.replace(b"\r\n", b"\n").strip(b" \t\r\n\v\f")
        assert armor.dearmored(io.BytesIO(text)).read(len(text)) == decoded


def fuzz_container(data: bytes) -> None:
    """Containers: raw, edited with their checksums mended, and made of names that the fuzzer chose."""
    for container in (data, _edited(data), _named(data)):
        try:
            card, files = read_container(io.BytesIO(container))
            found = [(path, _drained(stream)) for path, _size, stream in files]
        except MalformedError:
            continue
        assert [(piece.path, piece.size) for piece in card.pieces] == found
        for path, _size in found:
            check_path(path)
        assert len(container) % BLOCK == 0


def _drained(stream: Readable) -> int:
    length = 0
    while piece := stream.read(COPY_BYTES):
        length += len(piece)
    return length


def _edited(data: bytes) -> bytes:
    """An honest container with edits: two bytes where, one how many, then the bytes themselves."""
    edited = bytearray(CONTAINER)
    at = 0
    while at + 3 <= len(data):
        where = int.from_bytes(data[at : at + 2], "big") % len(edited)
        count = data[at + 2] % 32
        edited[where : where + count] = data[at + 3 : at + 3 + count]
        at += 3 + count
    for start in range(0, len(edited) - BLOCK + 1, BLOCK):
        _mend(edited, start)
    return bytes(edited)


def _mend(edited: bytearray, start: int) -> None:
    """A right checksum for what looks like an entry, or the first check would hide all the others."""
    block = edited[start : start + BLOCK]
    if block[257:262] == b"ustar":
        block[148:156] = b" " * 8
        edited[start + 148 : start + 156] = b"%06o\0 " % sum(block)


def _named(data: bytes) -> bytes:
    """A container with entries of the names and sizes that ``data`` spells, and any card."""
    card, _, rest = data.partition(b"\0\0")
    content = entry_header(CARD_PATH, len(card)) + card + bytes(-len(card) % BLOCK)
    for raw in rest.split(b"\0")[:8]:
        name = raw.decode("utf-8", errors="replace")
        content += entry_header(name, len(raw)) + raw + bytes(-len(raw) % BLOCK)
    whole = len(content) + END_BLOCKS
    return content + bytes(END_BLOCKS + padded_length(whole) - whole)


def fuzz_dsse(data: bytes) -> None:
    """Statements: a raw envelope, and any body under a true signature for a type that it chose."""
    _judge(data)
    if data:
        _judge(enveloped(TYPES[data[0] % len(TYPES)], data[1:]))
        text = b'{"payloadType":"%b","payload":"%b","signatures":[%b]}'
        _judge(text % (TYPES[0].encode(), encode_base64(data).encode(), data))


def _judge(envelope: bytes) -> None:
    try:
        parsed = parse_any(envelope)
    except MalformedError:
        return
    again = parse_any(seal(parsed.statement, [ROOTS[0]]).envelope)
    assert again.statement == parsed.statement, "written otherwise than read"
    assert _pairs(again.envelope) == _pairs(envelope), "something signed was not read"
    try:
        verified = verify(parsed, ROOTS[0].verify_key())
    except BadSignatureError:
        return
    assert verified.digest == parsed.digest


def _pairs(envelope: bytes) -> Any:
    """The body as sorted lists of pairs, which keep a key that stands there twice."""
    body = base64.b64decode(json.loads(envelope)["payload"])
    return json.loads(body, object_pairs_hook=lambda pairs: sorted(pairs, key=lambda pair: pair[0]))


TARGETS: dict[str, Target] = {
    "header": fuzz_header,
    "armor": fuzz_armor,
    "container": fuzz_container,
    "dsse": fuzz_dsse,
}
