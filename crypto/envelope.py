"""What the service may check of headers, envelopes and payloads without any key.

An envelope is an age file to a deposit's release key whose content is one recipient's header. Both
have exactly one possible length, so that nothing else can hide in them and no length tells one
recipient from another. Nothing here decrypts, nor imports what does.
"""

from __future__ import annotations

from typing import Final

from crypto.age.header import VERSION_LINE, Header, parse_header, split_header
from crypto.age.layout import NONCE_BYTES, TAG_BYTES, payload_length, payload_length_is_valid
from crypto.encoding import decode_raw_base64
from crypto.errors import MalformedError

HYBRID_KIND: Final = "mlkem768x25519"
_ENCAPSULATION_BYTES: Final = 1088 + 32
"""ML-KEM-768 ciphertext and X25519 share."""
_WRAPPED_KEY_BYTES: Final = 16 + TAG_BYTES
"""File key and tag."""
_MAC_BYTES: Final = 32


def _base64_chars(length: int) -> int:
    return -(-length * 4 // 3)  # unpadded


HEADER_BYTES: Final = (
    len(VERSION_LINE)
    + len(f"-> {HYBRID_KIND} ") + _base64_chars(_ENCAPSULATION_BYTES) + len("\n")
    + _base64_chars(_WRAPPED_KEY_BYTES) + len("\n")
    + len("--- ") + _base64_chars(_MAC_BYTES) + len("\n")
)  # fmt: skip
"""A header with one ``mlkem768x25519`` stanza: 22 + 1,513 + 44 + 48 = 1,627 bytes."""

ENVELOPE_BYTES: Final = HEADER_BYTES + payload_length(HEADER_BYTES)
"""An age file of one chunk that holds a header: 1,627 + 16 (nonce) + 1,627 + 16 (tag) = 3,286."""


def check_header(header: bytes) -> None:
    """Raise MalformedError unless this is exactly one strict header with one hybrid stanza."""
    if len(header) != HEADER_BYTES:
        raise MalformedError("Un en-tête compte exactement {due} octets.", due=HEADER_BYTES)
    _check_stanza(parse_header(header))


def check_envelope(data: bytes) -> None:
    """Raise MalformedError unless this has the exact form of an envelope."""
    if len(data) != ENVELOPE_BYTES:
        raise MalformedError("Une enveloppe compte exactement {due} octets.", due=ENVELOPE_BYTES)
    header, _length = split_header(data)
    _check_stanza(header)


def _check_stanza(header: Header) -> None:
    """One stanza, hybrid, of the exact sizes: a classic one would end post-quantum secrecy."""
    if len(header.stanzas) != 1:
        raise MalformedError("Un en-tête a exactement un destinataire.")
    (stanza,) = header.stanzas
    if stanza.kind != HYBRID_KIND or len(stanza.arguments) != 1:
        raise MalformedError("Un en-tête s'adresse à une clé post-quantique (mlkem768x25519).")
    share = decode_raw_base64(stanza.arguments[0])
    if len(share) != _ENCAPSULATION_BYTES or len(stanza.body) != _WRAPPED_KEY_BYTES:
        raise MalformedError("Le destinataire de cet en-tête est mal décrit.")


__all__ = [
    "ENVELOPE_BYTES",
    "HEADER_BYTES",
    "NONCE_BYTES",
    "check_envelope",
    "check_header",
    "payload_length",
    "payload_length_is_valid",
]
