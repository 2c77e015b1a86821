"""What was found in one file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Trace(Enum):
    """A kind of information that a file gives away."""

    AUTHOR = "author"
    DATES = "dates"
    SOFTWARE = "software"
    PLACE = "place"
    CAMERA = "camera"
    COMMENTS = "comments"
    HISTORY = "history"


LABELS: Final[dict[Trace, str]] = {
    Trace.AUTHOR: "auteur ou titre",
    Trace.DATES: "dates de création et de modification",
    Trace.SOFTWARE: "logiciel employé",
    Trace.PLACE: "position GPS de la prise de vue",
    Trace.CAMERA: "données de l'appareil photo (EXIF)",
    Trace.COMMENTS: "commentaires cachés",
    Trace.HISTORY: "historique et vignettes d'un logiciel",
}
"""How a person is told (msgids)."""


class Kept(Enum):
    """Why a file is left as it is."""

    SIGNED = "signed"
    LOCKED = "locked"


SENTENCES: Final[dict[Kept, str]] = {
    Kept.SIGNED: "ce PDF est signé, et le modifier casserait sa signature",
    Kept.LOCKED: "ce PDF est verrouillé par un mot de passe",
}
"""How a person is told (msgids)."""


@dataclass(frozen=True)
class Finding:
    """The traces of one file; ``kept`` says why they cannot be taken out."""

    path: str
    traces: frozenset[Trace]
    kept: Kept | None = None


@dataclass(frozen=True)
class Scrubbed:
    """A file without its traces. ``data`` is the original where nothing was found."""

    data: bytes
    traces: frozenset[Trace]
    kept: Kept | None = None
