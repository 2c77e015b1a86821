"""Checkpoints (C2SP tlog-checkpoint v1.0.0): origin, size and root, as the text of a signed note."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from audit.errors import LogFormatError
from audit.merkle import EMPTY_ROOT, HASH_BYTES, MAX_TREE_SIZE
from audit.note import Note, check_key_name
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: ``root`` (32 bytes) of the first ``size`` entries of the log ``origin``."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_key_name(self.origin)
        if len(self.root) != HASH_BYTES or not 0 <= self.size <= MAX_TREE_SIZE:
            raise LogFormatError(
                "Un point de contrôle porte une taille et une racine de 32 octets."
            )
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise LogFormatError("Un journal vide n'a qu'une racine possible.")

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Read a note's text; raises LogFormatError.

        Extension lines are refused: our log has none, they cannot be audited (tlog-checkpoint
        calls them not recommended), and a text that we cannot explain in full is not signed.
        """
        try:
            lines = text.decode().split("\n")
        except UnicodeDecodeError as error:
            raise LogFormatError("Un point de contrôle n'est pas de l'UTF-8 correct.") from error
        if len(lines) != 4 or lines[3]:
            raise LogFormatError("Un point de contrôle a trois lignes : origine, taille, racine.")
        try:
            root = decode_base64(lines[2])
        except MalformedError as error:
            raise LogFormatError("La racine d'un point de contrôle n'est pas lisible.") from error
        return cls(lines[0], parse_decimal(lines[1]), root)

    @classmethod
    def of_note(cls, note: bytes) -> Checkpoint:
        """The checkpoint in a signed note, whose signatures are *not* verified here."""
        return cls.parse(Note.parse(note).text)

    def to_text(self) -> bytes:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n".encode()


def parse_decimal(text: str) -> int:
    """A size or index: ASCII decimal, no sign, no leading zero; raises LogFormatError."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_TREE_SIZE:
        raise LogFormatError("Une taille ou un indice s'écrit en chiffres, sans zéro initial.")
    return int(text)
