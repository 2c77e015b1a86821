"""What stands in the log: a day and a commitment, and nothing that says whom or what it concerns.

Leaf = canonical JSON of version, day and commitment. Commitment = HMAC-SHA256 keyed with 32 random
bytes (the opening) over label, origin and details, each after its length. Without the opening the
commitment says nothing: deleting opening and details erases the event, and the tree still verifies.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final, Literal

from pydantic import ValidationError

from audit.errors import LogFormatError, LogVerificationError
from audit.events import MAX_DETAILS_BYTES, EventDetails
from audit.ports import Disclosure, NewEntry
from crypto.errors import MalformedError
from crypto.keys import Entropy
from crypto.labels import EVENT_COMMITMENT
from crypto.statements.fields import Bytes32, Day
from crypto.statements.model import Strict, load_strict_json

OPENING_BYTES: Final = 32
"""256 random bits: guessing details against a commitment is hopeless, for ever."""

MAX_LEAF_BYTES: Final = 256
"""A leaf takes 86 bytes; the margin is for a later version, far below the 65,535 of tlog-tiles."""


class _LeafFields(Strict):
    v: Literal[1] = 1
    day: Day
    commitment: Bytes32


@dataclass(frozen=True)
class Leaf:
    """What a leaf says: the day of the event, and the commitment (32 bytes) to its details."""

    day: date
    commitment: bytes


def leaf_bytes(day: date, commitment: bytes) -> bytes:
    """The bytes of an entry."""
    return _canonical(_LeafFields(day=day, commitment=commitment))


def parse_leaf(data: bytes) -> Leaf:
    """Read an entry in its one canonical form; raises LogFormatError."""
    try:
        fields = _LeafFields.model_validate(load_strict_json(data, limit=MAX_LEAF_BYTES))
    except (ValidationError, MalformedError) as error:
        raise LogFormatError("Une entrée du journal n'est pas conforme.") from error
    if _canonical(fields) != data:
        raise LogFormatError("Une entrée du journal n'est pas sous sa forme canonique.")
    return Leaf(fields.day, fields.commitment)


def commitment(opening: bytes, origin: str, details: bytes) -> bytes:
    """32 bytes that bind ``details`` (as stored) to this log without saying anything of them."""
    if len(opening) != OPENING_BYTES:
        raise LogFormatError("L'ouverture d'un événement fait exactement 32 octets.")
    state = hmac.new(opening, digestmod=hashlib.sha256)
    for part in (EVENT_COMMITMENT, origin.encode(), details):
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return state.digest()


def new_entry(details: EventDetails, origin: str, entropy: Entropy) -> NewEntry:
    """An event ready to be stored and, later, integrated."""
    data = details.to_bytes()
    if len(data) > MAX_DETAILS_BYTES:
        raise LogFormatError(
            "Le détail d'un événement dépasse {limit} octets.", limit=MAX_DETAILS_BYTES
        )
    opening = entropy(OPENING_BYTES)
    return NewEntry(leaf_of(data, opening, origin), data, opening)


def leaf_of(details: bytes, opening: bytes, origin: str) -> bytes:
    """The one leaf that stored details and their opening can stand for; raises LogFormatError."""
    day = EventDetails.parse(details).at.astimezone(UTC).date()
    return leaf_bytes(day, commitment(opening, origin, details))


def check_disclosure(leaf: bytes, origin: str, disclosure: Disclosure) -> EventDetails:
    """The details that ``leaf`` commits to; raises LogVerificationError or LogFormatError."""
    expected = leaf_of(disclosure.details, disclosure.opening, origin)
    if not hmac.compare_digest(leaf, expected):
        raise LogVerificationError(
            "Le détail présenté pour l'événement n° {index} n'est pas celui qui fut engagé dans "
            "le journal : il a été modifié.",
            index=disclosure.index,
        )
    return EventDetails.parse(disclosure.details)


def _canonical(fields: _LeafFields) -> bytes:
    dumped: dict[str, Any] = fields.model_dump(mode="json")
    return (
        f'{{"v":{dumped["v"]},"day":"{dumped["day"]}","commitment":"{dumped["commitment"]}"}}'
    ).encode()
