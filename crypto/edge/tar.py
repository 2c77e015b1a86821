"""The one form of POSIX pax tar that a container uses, to the bit.

An entry is a ustar header of a regular file (mode 0644, no owner, no time: nothing of the depositor's
machine slips in), preceded by a pax header with the one record ``path`` when the name is not ASCII
or longer than 100 bytes. A reader builds the header that its name and size call for and compares:
so links, devices, folders, sparse files, foreign extensions and every second spelling are refused
without a rule for each. Any tar program unpacks it.
"""

from __future__ import annotations

from typing import Final

from crypto.age.streams import Readable, read_exactly
from crypto.edge.container_errors import ContainerError, UnsafeContainerError

BLOCK: Final = 512
END_BLOCKS: Final = 2 * BLOCK
"""Two zero blocks end an archive."""

_NAME_BYTES: Final = 100
_MAX_PAX_BYTES: Final = 1_024
"""One ``path`` record: a path of at most 400 bytes."""
_PAX_NAME: Final = "././@PaxHeader"
_REGULAR: Final = b"0"
_PAX: Final = b"x"
_KINDS: Final = {
    b"1": "un lien",
    b"2": "un lien",
    b"3": "un périphérique",
    b"4": "un périphérique",
    b"5": "un répertoire",
    b"6": "un tube nommé",
}


def entry_header(path: str, size: int) -> bytes:
    """All header blocks of one file."""
    if path.isascii() and len(path) <= _NAME_BYTES:
        return _block(path, size, _REGULAR)
    record = _pax_record(path)
    plain = "".join(letter if letter.isascii() else "_" for letter in path)[:_NAME_BYTES]
    padding = bytes(-len(record) % BLOCK)
    return _block(_PAX_NAME, len(record), _PAX) + record + padding + _block(plain, size, _REGULAR)


def entry_length(path: str, size: int) -> int:
    """The length of a file's headers and content, padded to blocks."""
    return len(entry_header(path, size)) + size + -size % BLOCK


def read_entry(source: Readable, first: bytes) -> tuple[str, int]:
    """The path and size of the entry that starts with the block ``first``; raises ContainerError."""
    read = first
    path = None
    if first[156:157] == _PAX:
        path, more = _read_pax(source, first)
        read += more
    block = read[-BLOCK:]
    kind = block[156:157]
    if kind != _REGULAR:
        raise UnsafeContainerError(
            "Le dossier contient {kind} : seuls des fichiers ordinaires sont admis.",
            kind=_KINDS.get(kind, "une entrée d'un genre inconnu"),
        )
    name, size = path if path is not None else _text(block[:_NAME_BYTES]), _number(block[124:136])
    if entry_header(name, size) != read:
        raise ContainerError("Une entrée du dossier n'est pas écrite sous sa forme exacte.")
    return name, size


def read_block(source: Readable) -> bytes:
    """The next 512 bytes; raises ContainerError at the end."""
    block = read_exactly(source, BLOCK)
    if len(block) != BLOCK:
        raise ContainerError("Le dossier est coupé avant sa fin.")
    return block


def padded_length(length: int) -> int:
    """The length of a container of ``length`` bytes after padding: Padmé, then whole blocks.

    Padmé (Nikitin et al., PETS 2019) keeps log₂ log₂ of the size's bits: an observer of sizes
    learns little and at most 12 % is added.
    """
    if length < 2:
        return BLOCK
    exponent = length.bit_length() - 1
    low_bits = max(0, exponent - exponent.bit_length())
    padded = length + (1 << low_bits) - 1 >> low_bits << low_bits
    return padded + -padded % BLOCK


def _read_pax(source: Readable, first: bytes) -> tuple[str, bytes]:
    size = _number(first[124:136])
    if not 0 < size <= _MAX_PAX_BYTES:
        raise ContainerError("Une entrée du dossier n'est pas écrite sous sa forme exacte.")
    blocks = b"".join(read_block(source) for _ in range(-(-size // BLOCK) + 1))
    _length, separator, rest = blocks[:size].partition(b" path=")
    if not separator or not rest.endswith(b"\n"):
        raise ContainerError("Une entrée du dossier porte une extension inconnue.")
    return _text(rest[:-1]), blocks


def _pax_record(path: str) -> bytes:
    """``<length> path=<path>`` and a line feed, the length counting its own digits."""
    rest = b" path=" + path.encode() + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _block(name: str, size: int, kind: bytes) -> bytes:
    fields = (
        name.encode().ljust(_NAME_BYTES, b"\0")
        + b"0000644\0" + b"0000000\0" + b"0000000\0"  # mode, owner, group
        + b"%011o\0" % size + b"%011o\0" % 0  # size, time
        + b" " * 8 + kind  # checksum, counted as spaces; type
        + bytes(100) + b"ustar\0" + b"00"  # link, magic, version
        + bytes(32 + 32 + 8 + 8 + 155 + 12)  # names of owner and group, device, prefix
    )  # fmt: skip
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _text(data: bytes) -> str:
    try:
        return data.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContainerError("Un nom de fichier du dossier n'est pas en UTF-8.") from error


def _number(data: bytes) -> int:
    digits = data[:-1]
    if not digits.isdigit() or set(digits) - set(b"01234567"):
        raise ContainerError("Une entrée du dossier n'est pas écrite sous sa forme exacte.")
    return int(digits, 8)
