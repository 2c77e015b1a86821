"""Offline proofs of inclusion (C2SP tlog-proof): index, path and checkpoint in one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audit.checkpoint import parse_decimal
from audit.errors import LogFormatError
from audit.merkle import HASH_BYTES, MAX_PROOF_HASHES
from audit.note import MAX_NOTE_BYTES, Note
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError

HEADER: Final = "c2sp.org/tlog-proof@v1"

MAX_EXTRA_BYTES: Final = 32_768
"""Twice the largest details, which are base64 within the extra JSON."""

MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES
"""A whole proof: note, extra line in base64, and a path of a few kilobytes."""

_EXTRA: Final = "extra "
_INDEX: Final = "index "


@dataclass(frozen=True)
class LogProof:
    """``path``: 32-byte hashes, leaf's sibling first. ``note``: the checkpoint, verbatim.

    ``extra`` is not authenticated by the format; nothing here is verified yet.
    """

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """The text of a ``.tlog-proof`` file."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + encode_base64(self.extra))
        lines.append(f"{_INDEX}{self.index}")
        lines += [encode_base64(each) for each in self.path]
        return "\n".join([*lines, "", ""]).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> LogProof:
        """Read a proof in its one canonical form; raises LogFormatError."""
        if len(data) > MAX_PROOF_BYTES:
            raise LogFormatError("Ce récépissé dépasse {limit} octets.", limit=MAX_PROOF_BYTES)
        head, separator, note = data.partition(b"\n\n")
        if not separator:
            raise LogFormatError("Ce récépissé ne contient pas de point de contrôle.")
        Note.parse(note)
        lines = _lines(head)
        extra = _decode(lines.pop(0).removeprefix(_EXTRA)) if lines[0].startswith(_EXTRA) else None
        if extra is not None and len(extra) > MAX_EXTRA_BYTES:
            raise LogFormatError("La partie jointe à ce récépissé est trop longue.")
        if not lines or not lines[0].startswith(_INDEX):
            raise LogFormatError("Ce récépissé ne dit pas son indice.")
        path = tuple(_decode(line) for line in lines[1:])
        if len(path) > MAX_PROOF_HASHES or any(len(each) != HASH_BYTES for each in path):
            raise LogFormatError("La preuve de ce récépissé n'est pas faite d'empreintes.")
        return cls(parse_decimal(lines[0].removeprefix(_INDEX)), path, note, extra)


def _lines(head: bytes) -> list[str]:
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise LogFormatError("Ce récépissé n'est pas du texte.") from error
    if first != HEADER or not lines:
        raise LogFormatError("Ce fichier n'est pas un récépissé (tlog-proof).")
    return lines


def _decode(text: str) -> bytes:
    try:
        return decode_base64(text)
    except MalformedError as error:
        raise LogFormatError("Une ligne de ce récépissé n'est pas du base64 canonique.") from error
