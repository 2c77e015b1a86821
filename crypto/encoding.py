"""Strict, canonical text encodings: one accepted spelling for each value.

Python's decoders accept several texts for the same bytes (stray trailing bits, a newline after the
padding); each function here decodes, encodes again and compares, so that what was parsed is what
will be written.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from crypto.errors import MalformedError

OPAQUE_ID_BYTES: Final = 16
"""128 bits: two random ids never collide, and none can be guessed."""

_OPAQUE_ID: Final = re.compile(r"[a-z2-7]{26}")
_DOSSIER_REFERENCE: Final = re.compile(r"[a-z2-7]{5}-[a-z2-7]{5}")
_LAST_OF_ID: Final = frozenset("aeimquy4")
"""128 bits are 25 characters and three bits: the two bits left over in the last one are zero."""

_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):\d{2}:\d{2}Z", re.ASCII)
"""No hour 24: later versions of Python read it as the next day's midnight."""


def encode_base64(data: bytes) -> str:
    """RFC 4648 section 4, padded."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The inverse of :func:`encode_base64`, canonical only; raises MalformedError."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error is one, and so is what is not ASCII
        raise MalformedError("Ce texte n'est pas du base64 correct.") from error
    if encode_base64(data) != text:
        raise MalformedError("Ce texte n'est pas du base64 canonique.")
    return data


def encode_raw_base64(data: bytes) -> str:
    """RFC 4648 section 4 without padding, as age writes it."""
    return encode_base64(data).rstrip("=")


def decode_raw_base64(text: str) -> bytes:
    """The inverse of :func:`encode_raw_base64`, canonical only; raises MalformedError."""
    if "=" in text or len(text) % 4 == 1:
        raise MalformedError("Ce texte n'est pas du base64 sans remplissage.")
    return decode_base64(text + "=" * (-len(text) % 4))


def new_opaque_id(entropy: Callable[[int], bytes]) -> str:
    """A fresh 128-bit id: 26 lower-case base32 characters."""
    return _lower_base32(entropy(OPAQUE_ID_BYTES))


def parse_opaque_id(text: str) -> str:
    """Accept one canonical 128-bit base32 id; raises MalformedError."""
    if not _OPAQUE_ID.fullmatch(text):
        raise MalformedError("Un identifiant s'écrit en 26 caractères parmi a-z et 2-7.")
    if text[-1] not in _LAST_OF_ID:
        raise MalformedError("Cet identifiant n'est pas sous sa forme canonique.")
    return text


def new_dossier_reference(entropy: Callable[[int], bytes]) -> str:
    """A fresh dossier reference, 50 random bits, short enough to be read out: ``k7qf2-m3xta``."""
    text = _lower_base32(entropy(7))[:10]
    return f"{text[:5]}-{text[5:]}"


def parse_dossier_reference(text: str) -> str:
    """Accept a dossier reference; raises MalformedError."""
    if not _DOSSIER_REFERENCE.fullmatch(text):
        raise MalformedError("Une référence de dossier s'écrit comme « k7qf2-m3xta ».")
    return text


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, ``2026-11-23T09:30:00Z``; ``moment`` must carry its zone."""
    if moment.tzinfo is None:
        raise MalformedError("Une date sans fuseau horaire ne peut pas être signée.")
    # isoformat and not strftime, which writes the years before 1000 without their zeros.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_instant(text: str) -> datetime:
    """The inverse of :func:`format_instant`, ``Z`` and whole seconds only; raises MalformedError."""
    if not _INSTANT.fullmatch(text):
        raise MalformedError("Une date s'écrit « 2026-11-23T09:30:00Z » (UTC).")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError("Cette date n'existe pas.") from error


def _lower_base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()
