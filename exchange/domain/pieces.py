"""The kinds of piece that a dossier is made of, and what each request is expected to hold.

The circular DGCS/B2/2017/18 of 31 January 2017 gives the form of a request to enter the pathway
(annexe 6) and of a renewal (annexe 7); the association's own opinion goes with both (CASF L121-9 II,
R121-12-9). A code is the name of a folder, or of a file, in what is deposited.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

ENGAGEMENT: Final = "engagement"
RENEWAL: Final = "renewal"
BOTH: Final = frozenset({ENGAGEMENT, RENEWAL})


@dataclass(frozen=True)
class Piece:
    """One kind of piece. ``expected_in``: the requests that usually hold it; none means optional."""

    code: str
    label: str
    expected_in: frozenset[str] = frozenset()


PIECES: Final = (
    Piece("demande", "formulaire de demande", BOTH),
    Piece("avis", "avis de l'association", BOTH),
    Piece("identite", "identité", frozenset({ENGAGEMENT})),
    Piece("cessation", "attestation de cessation d'activité", frozenset({ENGAGEMENT})),
    Piece("bilan", "bilan des actions et des engagements", frozenset({RENEWAL})),
    Piece("sejour", "séjour"),
    Piece("sante", "santé"),
    Piece("hebergement", "hébergement"),
    Piece("ressources", "ressources"),
    Piece("plainte", "plainte ou procédure"),
    Piece("autre", "autre pièce"),
)
OTHER: Final = "autre"


def code_of(path: str) -> str:
    """The code of a piece: its folder's name if that is one, else what its file's name begins with.

    ``identite/passeport.pdf``, ``Identité - passeport.pdf`` and ``IDENTITE.pdf`` are all ``identite``;
    ``Annexe 6.pdf`` and ``Annexe 7.pdf``, the circular's forms, are ``demande``.
    """
    folder, _slash, rest = path.partition("/")
    known = {piece.code for piece in PIECES}
    if rest and _plain(folder) in known:
        return _plain(folder)
    name = _plain(path.rpartition("/")[2])
    if re.match(r"annexe [67]\b", name):
        return "demande"
    return next((code for code in known if re.match(rf"{code}(?![a-z0-9])", name)), OTHER)


def expected_in(kind: str) -> tuple[Piece, ...]:
    """The pieces that a request of this kind usually holds, in their order."""
    return tuple(piece for piece in PIECES if kind in piece.expected_in)


def label_of(code: str) -> str:
    """What a code stands for; a code of the commission's own stands for itself."""
    return next((piece.label for piece in PIECES if piece.code == code), code)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
