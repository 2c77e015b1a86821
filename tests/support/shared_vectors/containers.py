"""Containers that must be read, and those that must be refused before anything is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator

from crypto.edge.card import CARD_PATH, DEPOSIT_LIMITS, CardPiece
from crypto.edge.conflict_card import ConflictCard
from crypto.edge.tar import BLOCK, END_BLOCKS, entry_header, padded_length
from tests.support.containers import FILES, card_of, container_of
from tests.support.shared_vectors.encoded import Case, b64

LONG = "dossier/" + "é" * 80 + "/" + "x" * 100 + ".pdf"


def build() -> dict[str, list[Case]]:
    honest = [("usual", FILES), ("long and accented path", {LONG: b"1", "a.pdf": b""})]
    return {
        "read": [_read(name, files) for name, files in honest],
        "refused": [
            {"name": name, "container": b64(data), "error": error} for name, data, error in _refused()
        ],
        "conflict_cards": [
            {**card.model_dump(mode="json"), "json": card.to_json().decode()} for card in CARDS
        ],
        "conflict_cards_refused": [
            {"name": name, "json": text} for name, text in _cards_refused().items()
        ],
        "collisions": [
            {"paths": list(paths), "distinct": distinct} for paths, distinct in COLLISIONS.items()
        ],
        "padded_lengths": [
            {"content": length, "padded": padded_length(length)}
            for length in (0, 1, 512, 1_536, 2_560, 9_728, 100_352, 1_048_576, 1_049_088, 524_288_512)
        ],
    }  # fmt: skip


CARDS = (
    ConflictCard.make("M. D.", 1994, "Nanterre"),
    ConflictCard.make("🙂" * 12, 1900, "é" * 60),
    ConflictCard.make('" \\ /', 2100, "L'Haÿ-les-Roses\u2028"),
)


def _cards_refused() -> dict[str, str]:
    good = CARDS[0].to_json().decode()
    return {
        "nothing": "",
        "an empty object": "{}",
        "a name besides": good.replace("{", '{"name":"M",'),
        "a field twice": good.replace("{", '{"year":1994,'),
        "year in a string": good.replace("1994", '"1994"'),
        "year too early": good.replace("1994", "1899"),
        "year too late": good.replace("1994", "2101"),
        "no initials": good.replace("M. D.", ""),
        "thirteen letters": good.replace("M. D.", "M" * 13),
        "a line break": good.replace("M. D.", "M\\n"),
        "commune of 61 letters": good.replace("Nanterre", "é" * 61),
        "longer than a block": good + " " * 512,
    }


def _read(name: str, files: dict[str, bytes]) -> Case:
    return {
        "name": name,
        "card": card_of(files).to_json().decode(),
        "files": {path: b64(data) for path, data in files.items()},
        "container": b64(container_of(files)),
    }


def entry(path: str, data: bytes) -> bytes:
    return entry_header(path, len(data)) + data + bytes(-len(data) % BLOCK)


def padded(content: bytes) -> bytes:
    whole = len(content) + END_BLOCKS
    return content + bytes(END_BLOCKS + padded_length(whole) - whole)


def forged(paths: list[str], raw: Callable[[str, bytes], bytes] = entry) -> bytes:
    """A container whose card announces exactly what follows, names unchecked."""
    card = card_of({f"{number}": b"x" for number in range(len(paths))})
    pieces = tuple(
        CardPiece.model_construct(path=path, type="application/pdf", size=1) for path in paths
    )
    body = card.model_copy(update={"pieces": pieces}).to_json()
    return padded(entry(CARD_PATH, body) + b"".join(raw(path, b"x") for path in paths))


NAMES = {
    "climbs out": ["../x.pdf"],
    "climbs out inside": ["a/../../x.pdf"],
    "absolute": ["/etc/passwd"],
    "drive of Windows": ["C:/x.pdf"],
    "backslash": ["a\\x.pdf"],
    "reserved by Windows": ["CON"],
    "reserved by Windows with an ending": ["lpt1.pdf"],
    "space at the end": ["a.pdf "],
    "point at the end": ["a.pdf."],
    "changes direction": ["facture\u202efdp.exe"],
    "not in form C": ["e\u0301.pdf"],
    "control character": ["a\nb.pdf"],
    "component of 201 bytes": ["x" * 201],
    "nine folders deep": ["a/" * 8 + "x.pdf"],
    "empty component": ["a//x.pdf"],
    "the same name twice": ["a.pdf", "a.pdf"],
    "the same name but for case": ["a.pdf", "A.PDF"],
    "the same name but for compatibility": ["fi.pdf", "\ufb01.pdf"],
    "a file that is a folder": ["a.pdf", "a.pdf/b"],
    "a second card": ["Dossier.JSON"],
}
COLLISIONS = {
    ("a.pdf", "b.pdf"): True,
    ("a.pdf", "A.pdf"): False,
    ("é.pdf", "É.pdf"): False,
    ("é.pdf", "e.pdf"): True,
    ("ß.pdf", "ss.pdf"): False,
    ("\u1e9e.pdf", "ss.pdf"): False,
    ("\u1e9e.pdf", "ß.pdf"): False,
    ("\u0131.pdf", "i.pdf"): True,
    ("\u0131.pdf", "I.pdf"): True,
    ("\u0130.pdf", "i\u0307.pdf"): False,
    ("σ.pdf", "ς.pdf"): False,
    ("\ufb01n.pdf", "fin.pdf"): False,
    ("\u212b.pdf", "å.pdf"): False,
    ("\uff21.pdf", "a.pdf"): False,
    ("a/b.pdf", "a/c.pdf"): True,
    ("a", "a/b.pdf"): False,
    ("A/b.pdf", "a"): False,
    ("a/b", "ab"): True,
}
TOO_LONG = {"path of 402 bytes": "/".join(["x" * 99] * 4) + "/yy"}
KINDS = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "GNU long name": tarfile.GNUTYPE_LONGNAME,
    "sparse file": tarfile.GNUTYPE_SPARSE,
    "pax global header": b"g",
    "old regular file": b"\0",
}


def _special(kind: bytes) -> Callable[[str, bytes], bytes]:
    def make(path: str, data: bytes) -> bytes:
        info = tarfile.TarInfo(path)
        info.type, info.size, info.linkname = kind, len(data), "/etc/passwd"
        return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)

    return make


def _with_owner(path: str, data: bytes) -> bytes:
    info = tarfile.TarInfo(path)
    info.size, info.uname = len(data), "camille"
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)


def _refused() -> Iterator[tuple[str, bytes, str]]:
    good = container_of({"a.pdf": b"x"})
    card = card_of({"a.pdf": b"x"})
    first, piece = entry(CARD_PATH, card.to_json()), entry("a.pdf", b"x")
    for name, paths in NAMES.items():
        yield name, forged(paths), "unsafe-container"
    for name, path in TOO_LONG.items():
        yield name, forged([path]), "container"
    for name, kind in KINDS.items():
        yield name, forged(["a.pdf"], _special(kind)), "unsafe-container"
    yield "owner in an entry", forged(["a.pdf"], _with_owner), "container"
    yield "card that is not first", padded(piece + first), "container"
    yield "no card", padded(piece), "container"
    yield "a file less than announced", padded(first), "container"
    yield (
        "a file more than announced",
        padded(first + piece + entry("b.pdf", b"x")),
        "unsafe-container",
    )
    yield "a longer file than announced", padded(first + entry("a.pdf", b"xx")), "container"
    yield "another name than announced", padded(first + entry("b.pdf", b"x")), "container"
    yield (
        "byte between files",
        good.replace(b"x" + bytes(511), b"x" + bytes(510) + b"!"),
        "unsafe-container",
    )
    yield "byte in the padding", good[:-1] + b"!", "unsafe-container"
    yield "padding cut", good[:-BLOCK], "container"
    yield "padding too long", good + bytes(BLOCK), "container"
    yield "cut in a file", good[: len(first) + BLOCK], "container"
    yield "nothing", b"", "container"
    spaced = card.to_json().replace(b'"version": 1', b'"version":  1')
    yield "card in another spelling", padded(entry(CARD_PATH, spaced) + piece), "container"
    unknown = card.to_json().replace(b'"version": 1', b'"version": 1, "extra": 1')
    yield "card with an unknown key", padded(entry(CARD_PATH, unknown) + piece), "container"
    for name, pieces in _bombs():
        body = card.model_copy(update={"pieces": pieces}).to_json()
        yield name, padded(entry(CARD_PATH, body) + piece), "container"


def _bombs() -> Iterator[tuple[str, tuple[CardPiece, ...]]]:
    limits = DEPOSIT_LIMITS

    def announced(count: int, size: int) -> tuple[CardPiece, ...]:
        return tuple(
            CardPiece.model_construct(path=f"{number}.pdf", type="a/b", size=size)
            for number in range(count)
        )

    yield "too many files", announced(limits.files + 1, 1)
    yield "a file too large", announced(1, limits.file_bytes + 1)
    yield (
        "too large in all",
        announced(limits.total_bytes // limits.file_bytes + 1, limits.file_bytes),
    )
