"""Whom a file is sealed to: the two kinds of public key, and their texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from crypto.age import bech32
from crypto.errors import MalformedError
from crypto.keys import RECIPIENT_BYTES, Recipient

MLKEM_KEY_BYTES: Final = 1184
X25519_KEY_BYTES: Final = 32

_X25519_PREFIX: Final = "age"
_HYBRID_PREFIX: Final = "age1pq"


@dataclass(frozen=True)
class X25519Recipient:
    """A classic age recipient: written for interoperability only, never by the service."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != X25519_KEY_BYTES:
            raise MalformedError("Cette clé de destinataire n'a pas 32 octets.")


AnyRecipient = Recipient | X25519Recipient


def parse_recipient(text: str) -> AnyRecipient:
    """From ``age1…`` or ``age1pq1…`` (lower case); raises MalformedError."""
    prefix, raw = bech32.decode(text)
    if text != text.lower():
        raise MalformedError("Une clé de destinataire s'écrit en minuscules.")
    if prefix == _HYBRID_PREFIX and len(raw) == RECIPIENT_BYTES:
        recipient = Recipient(raw)
        check_recipient(recipient)
        return recipient
    if prefix == _X25519_PREFIX and len(raw) == X25519_KEY_BYTES:
        return X25519Recipient(raw)
    raise MalformedError("Ce texte n'est pas une clé de destinataire age (age1… ou age1pq1…).")


def format_recipient(recipient: AnyRecipient) -> str:
    """The inverse of :func:`parse_recipient`."""
    prefix = _HYBRID_PREFIX if isinstance(recipient, Recipient) else _X25519_PREFIX
    return bech32.encode(prefix, recipient.raw)


def hybrid_public_key(recipient: Recipient) -> hpke.MLKEM768X25519PublicKey:
    """The key object of a recipient; raises MalformedError when its bytes are no key."""
    try:
        return hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(recipient.raw[:MLKEM_KEY_BYTES]),
            x25519.X25519PublicKey.from_public_bytes(recipient.raw[MLKEM_KEY_BYTES:]),
        )
    except ValueError as error:
        raise MalformedError("Cette clé de destinataire n'est pas une clé ML-KEM-768.") from error


def check_recipient(recipient: Recipient) -> None:
    """Raise MalformedError unless a file can be sealed to ``recipient``: to ask at certification.

    The ML-KEM half must be reduced (FIPS 203 section 7.2), the X25519 half not of small order
    (RFC 7748 section 6.1: the shared secret would be zero for every sender).
    """
    hybrid_public_key(recipient)
    if is_low_order(recipient.raw[MLKEM_KEY_BYTES:]):
        raise MalformedError("Cette clé de destinataire est un point X25519 d'ordre petit.")


def is_low_order(point: bytes) -> bool:
    """Whether an X25519 point gives the all-zero secret with every key (multiples of 8)."""
    probe = x25519.X25519PrivateKey.from_private_bytes(b"\x01" * X25519_KEY_BYTES)
    try:
        probe.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    except ValueError:
        return True
    return False
