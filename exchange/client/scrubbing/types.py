"""Which files a dossier may hold, known by their content and not by their name.

Programs and office files with macros attack the reader's machine, and a server that sees only
ciphertext cannot look for them (R133-8 sends the documents straight to the members).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from exchange.client.errors import UnsafeFileError
from exchange.client.scrubbing import jpeg, pdf, png
from exchange.client.scrubbing.finding import Scrubbed


@dataclass(frozen=True)
class FileType:
    """A type that is admitted: its media type, suffixes, and how it is scrubbed."""

    media_type: str
    suffixes: tuple[str, ...]
    scrub: Callable[[bytes], Scrubbed]


def _plain_text(data: bytes) -> Scrubbed:
    return Scrubbed(data, frozenset())


ADMITTED: Final = (
    FileType("application/pdf", (".pdf",), pdf.scrub_pdf),
    FileType("image/jpeg", (".jpg", ".jpeg"), jpeg.scrub_jpeg),
    FileType("image/png", (".png",), png.scrub_png),
    FileType("text/plain", (".txt",), _plain_text),
)
"""Documents, scans, photographs, notes."""

_MAGIC: Final = {pdf.MAGIC: ADMITTED[0], jpeg.MAGIC: ADMITTED[1], png.MAGIC: ADMITTED[2]}
_TEXT: Final = ADMITTED[3]


def type_of(path: str, data: bytes) -> FileType:
    """The admitted type of a file; raises UnsafeFileError for another, or for a wrong suffix.

    An empty file has no content to contradict its name.
    """
    suffix = PurePosixPath(path).suffix.lower()
    named = next((each for each in ADMITTED if suffix in each.suffixes), None)
    found = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    if found is None and (not data or (named is _TEXT and _is_text(data))):
        found = named
    if named is None or found is None or found is not named:
        raise UnsafeFileError(
            "Ce fichier n'est pas d'un type admis (PDF, JPEG, PNG ou texte, sous son vrai nom) : "
            "enregistrez-le en PDF, ou déposez avec --any-type si les membres savent l'ouvrir."
        )
    return found


def scrub(kind: FileType, data: bytes) -> Scrubbed:
    """A file of that type without its metadata."""
    return kind.scrub(data) if data else Scrubbed(data, frozenset())


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False
