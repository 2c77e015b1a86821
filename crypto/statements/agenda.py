"""What an agenda lists, shown dossier by dossier to whoever may know of it.

The signed agenda holds commitments alone. Commitment = HMAC-SHA256 keyed with 32 fresh random bytes
(the opening) over label, origin, sitting, version and content, each after its u32 length; content = the
JSON bytes of one item, or ``null`` for a decoy. Each version draws every opening anew, sorts the
commitments and fills them up to a multiple of ``DECOY_STEP``: whoever is shown none of a dossier's openings
sees neither that it is listed, nor where, nor how many deposits it has, nor which one a new version changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Final

from pydantic import Field, ValidationError

from crypto.errors import MalformedError
from crypto.keys import Entropy
from crypto.labels import AGENDA_ITEM
from crypto.statements.fields import Code, Count, DigestField, DossierReference
from crypto.statements.model import Strict, load_strict_json
from crypto.statements.registry import DECOY_STEP, MAX_AGENDA_COMMITMENTS, Agenda

OPENING_BYTES: Final = 32
"""256 random bits: guessing a reference against a commitment is hopeless, for ever."""

MAX_CONTENT_BYTES: Final = 16_384
"""One item: a hundred manifests of 67 bytes each, and the rest."""

DECOY: Final = b"null"


class AgendaItem(Strict):
    """One dossier of one association, with the deposits (by manifest) that it consists of.

    ``rank`` orders the items. It is made of what belongs to this dossier alone, so that the ranks that
    one sees tell nothing of those that one does not.
    """

    association: Code
    dossier: DossierReference
    rank: Count
    manifests: Annotated[tuple[DigestField, ...], Field(strict=False, min_length=1, max_length=100)]


@dataclass(frozen=True)
class AgendaOpening:
    """What shows one item: 32 bytes, and the content as it was committed to. Nothing verified yet."""

    opening: bytes
    content: bytes


@dataclass(frozen=True)
class AgendaPlace:
    """Which agenda a commitment belongs to: it opens in no other sitting, version or log."""

    origin: str
    sitting: str
    version: int


@dataclass(frozen=True)
class OpenedItem:
    """An opening that an agenda committed to. ``item`` is None for a decoy.

    Made by :func:`open_item`, and by the store that keeps what was opened so.
    """

    commitment: bytes
    shown: AgendaOpening
    item: AgendaItem | None


def item_commitment(place: AgendaPlace, shown: AgendaOpening) -> bytes:
    """32 bytes that bind the content to this agenda without saying anything of it."""
    if len(shown.opening) != OPENING_BYTES:
        raise MalformedError("L'ouverture d'un point de l'ordre du jour fait exactement 32 octets.")
    state = hmac.new(shown.opening, digestmod=hashlib.sha256)
    parts = (place.origin.encode(), place.sitting.encode(), str(place.version).encode())
    for part in (AGENDA_ITEM, *parts, shown.content):
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return state.digest()


def read_item(content: bytes) -> AgendaItem | None:
    """The item that a content says, None for a decoy; raises MalformedError."""
    if content == DECOY:
        return None
    try:
        return AgendaItem.model_validate(load_strict_json(content, limit=MAX_CONTENT_BYTES))
    except ValidationError as error:
        raise MalformedError("Un point de l'ordre du jour n'est pas conforme.") from error


def open_item(agenda: Agenda, origin: str, shown: AgendaOpening) -> OpenedItem:
    """The item that this opening shows of this very agenda; raises MalformedError."""
    place = AgendaPlace(origin, agenda.sitting, agenda.version)
    commitment = item_commitment(place, shown)
    if commitment not in agenda.items:
        raise MalformedError(
            "L'ouverture présentée n'est celle d'aucun point de cet ordre du jour : elle a été "
            "modifiée, ou vient d'une autre version."
        )
    return OpenedItem(commitment, shown, read_item(shown.content))


def open_whole(
    agenda: Agenda, origin: str, shown: Sequence[AgendaOpening]
) -> tuple[OpenedItem, ...]:
    """Every item, each opened exactly once; raises MalformedError."""
    opened = tuple(open_item(agenda, origin, each) for each in shown)
    if len(opened) != len(agenda.items) or {each.commitment for each in opened} != set(
        agenda.items
    ):
        raise MalformedError(
            "Chaque point de l'ordre du jour s'accompagne de son ouverture, une fois : il en manque, "
            "ou il y en a trop."
        )
    return opened


def commit_items(
    place: AgendaPlace, items: Iterable[AgendaItem], entropy: Entropy
) -> tuple[tuple[bytes, ...], tuple[AgendaOpening, ...]]:
    """The sorted commitments to sign, and the openings, in the same order."""
    contents = [
        json.dumps(item.model_dump(mode="json"), separators=(",", ":")).encode() for item in items
    ]
    missing = -len(contents) % DECOY_STEP if contents else DECOY_STEP
    if len(contents) + missing > MAX_AGENDA_COMMITMENTS:
        raise MalformedError("Cet ordre du jour compte trop de dossiers.")
    shown = [
        AgendaOpening(entropy(OPENING_BYTES), content)
        for content in (*contents, *[DECOY] * missing)
    ]
    committed = sorted(((item_commitment(place, each), each) for each in shown), key=itemgetter(0))
    return tuple(pair[0] for pair in committed), tuple(pair[1] for pair in committed)
