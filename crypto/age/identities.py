"""Who can open a file: the texts of secret keys, passphrases, and the public half of each key.

No error of this module quotes its input: it may be a secret with one wrong letter.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NoReturn

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from crypto.age import bech32
from crypto.age.recipients import MLKEM_KEY_BYTES, X25519Recipient
from crypto.errors import MalformedError
from crypto.keys import HybridIdentity, Recipient, X25519Identity

MAX_PASSPHRASE_BYTES: Final = 1_024
"""Longer than any sentence that a person types."""

_X25519_PREFIX: Final = "age-secret-key-"
_HYBRID_PREFIX: Final = "age-secret-key-pq-"
_MLKEM_SEED_BYTES: Final = 64


class Passphrase:
    """A passphrase of any length; like every secret here it shows only its role."""

    __slots__ = ("_value",)

    def __init__(self, text: str) -> None:
        value = text.encode("utf-8", errors="surrogatepass")
        if not 1 <= len(value) <= MAX_PASSPHRASE_BYTES:
            raise MalformedError("Une phrase de passe compte de 1 à 1 024 octets.")
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves: keep them in a local variable and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "<Passphrase redacted>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Passphrase) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hashed secret ends up in a cache

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


KeyIdentity = HybridIdentity | X25519Identity
AnyIdentity = KeyIdentity | Passphrase


def parse_identity(text: str) -> KeyIdentity:
    """From ``AGE-SECRET-KEY-1…`` or ``AGE-SECRET-KEY-PQ-1…`` (upper case); raises MalformedError."""
    prefix, raw = bech32.decode(text)
    if text == text.upper() and len(raw) == HybridIdentity.LENGTH:
        if prefix == _HYBRID_PREFIX:
            return HybridIdentity(raw)
        if prefix == _X25519_PREFIX:
            return X25519Identity(raw)
    raise MalformedError("Ce texte n'est pas une clé secrète age (AGE-SECRET-KEY-…).")


def format_identity(identity: KeyIdentity) -> str:
    """The inverse of :func:`parse_identity`: the secret itself, for an identity file."""
    prefix = _HYBRID_PREFIX if isinstance(identity, HybridIdentity) else _X25519_PREFIX
    return bech32.encode(prefix, identity.reveal()).upper()


def parse_identity_file(text: str) -> tuple[KeyIdentity, ...]:
    """The identities of an age identity file: one a line, ``#`` comments; raises MalformedError."""
    lines = (line.strip() for line in text.splitlines())
    found = tuple(parse_identity(line) for line in lines if line and not line.startswith("#"))
    if not found:
        raise MalformedError("Ce fichier ne contient aucune clé secrète age.")
    return found


def hybrid_private_key(identity: HybridIdentity) -> hpke.MLKEM768X25519PrivateKey:
    """The key object of an identity: SHAKE256(seed, 96) = ML-KEM seed ‖ X25519 key (X-Wing)."""
    mlkem_key, x25519_key = _expand(identity)
    return hpke.MLKEM768X25519PrivateKey(mlkem_key, x25519_key)


def recipient_of(identity: HybridIdentity) -> Recipient:
    """The public half of a hybrid identity."""
    mlkem_key, x25519_key = _expand(identity)
    raw = mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw()
    assert len(raw) == MLKEM_KEY_BYTES + 32
    return Recipient(raw)


def x25519_recipient_of(identity: X25519Identity) -> X25519Recipient:
    """The public half of an X25519 identity."""
    key = x25519.X25519PrivateKey.from_private_bytes(identity.reveal())
    return X25519Recipient(key.public_key().public_bytes_raw())


def _expand(
    identity: HybridIdentity,
) -> tuple[mlkem.MLKEM768PrivateKey, x25519.X25519PrivateKey]:
    expanded = hashlib.shake_256(identity.reveal()).digest(_MLKEM_SEED_BYTES + 32)
    return (
        mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES]),
        x25519.X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:]),
    )
