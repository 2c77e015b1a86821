"""What stands in the log: a day and a commitment, and nothing that says whom or what it concerns.

Leaf = canonical JSON of version, day and commitment. Commitment = HMAC-SHA256 keyed with 32 random
bytes (the opening) over label, origin and details, each after its length. Without the opening the
commitment says nothing: deleting opening and details erases the event, and the tree still verifies.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, date
from typing import Final

from audit.errors import LogFormatError, LogVerificationError
from audit.events import MAX_DETAILS_BYTES, EventDetails
from audit.ports import Disclosure, NewEntry
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError
from crypto.keys import Entropy
from crypto.labels import EVENT_COMMITMENT

OPENING_BYTES: Final = 32
"""256 random bits: guessing details against a commitment is hopeless, for ever."""

_LEAF: Final = re.compile(
    rb'\{"v":1,"day":"(?P<day>\d{4}-\d{2}-\d{2})","commitment":"(?P<commitment>[A-Za-z0-9+/]{43}=)"\}'
)
"""Always 86 bytes, far below the 65,535 of tlog-tiles; a regular expression is strict and quick."""


@dataclass(frozen=True)
class Leaf:
    """What a leaf says: the day of the event, and the commitment (32 bytes) to its details."""

    day: date
    commitment: bytes


def leaf_bytes(day: date, commitment: bytes) -> bytes:
    """The bytes of an entry."""
    text = encode_base64(commitment)
    return f'{{"v":1,"day":"{day.isoformat()}","commitment":"{text}"}}'.encode()


def parse_leaf(data: bytes) -> Leaf:
    """Read an entry in its one form, to the byte; raises LogFormatError."""
    match = _LEAF.fullmatch(data)
    if match is None:
        raise LogFormatError("Une entrée du journal n'est pas sous sa forme unique.")
    try:
        day = date.fromisoformat(match["day"].decode())
        return Leaf(day, decode_base64(match["commitment"].decode()))
    except (ValueError, MalformedError) as error:
        raise LogFormatError("Une entrée du journal n'est pas conforme.") from error


def commitment(opening: bytes, origin: str, details: bytes) -> bytes:
    """32 bytes that bind ``details`` (as stored) to this log without saying anything of them."""
    if len(opening) != OPENING_BYTES:
        raise LogFormatError("L'ouverture d'un événement fait exactement 32 octets.")
    parts = (EVENT_COMMITMENT, origin.encode(), details)
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(opening, framed, "sha256")


def new_entry(details: EventDetails, origin: str, entropy: Entropy) -> NewEntry:
    """An event ready to be stored and, later, integrated."""
    data = details.to_bytes()
    if len(data) > MAX_DETAILS_BYTES:
        raise LogFormatError(
            "Le détail d'un événement dépasse {limit} octets.", limit=MAX_DETAILS_BYTES
        )
    opening = entropy(OPENING_BYTES)
    day = details.at.astimezone(UTC).date()
    return NewEntry(leaf_bytes(day, commitment(opening, origin, data)), data, opening)


def leaf_of(disclosure: Disclosure, origin: str) -> tuple[bytes, EventDetails]:
    """The one leaf that a disclosure can stand for, and what it says; raises LogFormatError."""
    details = EventDetails.parse(disclosure.details)
    bound = commitment(disclosure.opening, origin, disclosure.details)
    return leaf_bytes(details.at.astimezone(UTC).date(), bound), details


def check_disclosure(leaf: bytes, origin: str, disclosure: Disclosure) -> EventDetails:
    """The details that ``leaf`` commits to; raises LogVerificationError or LogFormatError."""
    expected, details = leaf_of(disclosure, origin)
    if not hmac.compare_digest(leaf, expected):
        raise LogVerificationError(
            "Le détail présenté pour l'événement n° {index} n'est pas celui qui fut engagé dans "
            "le journal : il a été modifié.",
            index=disclosure.index,
        )
    return details
