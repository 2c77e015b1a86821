"""Keys are types, not bytes: a key of one role cannot be passed where another is due.

A secret never shows itself: its repr and its formatting say only its role, it refuses to be pickled,
copied, hashed or iterated, and compares in constant time. ``reveal()`` is the one way to the bytes,
so that every use can be found by its name. Python cannot promise that memory is wiped; the threat
model says so.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Final, NoReturn, Self

import nacl.bindings
import nacl.exceptions
import nacl.signing

from crypto.digests import Digest, tagged_sha256
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import BadSignatureError, MalformedError
from crypto.labels import KEY_FINGERPRINT

Entropy = Callable[[int], bytes]
"""Returns that many random bytes; ``os.urandom`` in production, an argument everywhere."""

SIGNATURE_BYTES: Final = 64
RECIPIENT_BYTES: Final = 1216
"""ML-KEM-768 encapsulation key (1,184) and X25519 public key (32): age.md section 1."""


class SecretBytes:
    """A secret of fixed length. Subclasses name the role."""

    LENGTH: ClassVar[int] = 32
    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != self.LENGTH:
            raise MalformedError("Cette clé n'a pas la bonne longueur.")
        self._value = bytes(value)

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """A fresh secret from ``entropy``."""
        return cls(entropy(cls.LENGTH))

    def reveal(self) -> bytes:
        """The bytes themselves: keep them in a local variable and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} redacted>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hashed secret ends up in a cache

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


class MasterSeed(SecretBytes):
    """A device's one seed; its age identity and its signing key are derived from it."""


class FileKey(SecretBytes):
    """The 16-byte key of one age file, here of one deposit."""

    LENGTH = 16


class HybridIdentity(SecretBytes):
    """The 32-byte seed of an ``mlkem768x25519`` age identity."""


class X25519Identity(SecretBytes):
    """The 32-byte scalar of an X25519 age identity (read for interoperability only)."""


class SigningSeed(SecretBytes):
    """The 32-byte seed of an Ed25519 key (RFC 8032)."""

    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(bytes(nacl.signing.SigningKey(self.reveal()).verify_key))

    def sign(self, message: bytes) -> bytes:
        """A 64-byte Ed25519 signature of ``message``."""
        return nacl.signing.SigningKey(self.reveal()).sign(message).signature


class ServiceSigningSeed(SigningSeed):
    """A key that the service or the broker holds itself: log, broker statements, cosigner."""


class PartySigningSeed(SigningSeed):
    """A person's or the root's key: made and used on that person's own machine only."""


KEPT_POINTS: Final = 1_024
"""Public keys remembered as checked: a commission has fewer devices."""


@lru_cache(maxsize=KEPT_POINTS)
def _is_valid_point(raw: bytes) -> bool:
    return nacl.bindings.crypto_core_ed25519_is_valid_point(raw)


@dataclass(frozen=True)
class VerifyKey:
    """An Ed25519 public key, checked by libsodium's rules (no small order, canonical)."""

    raw: bytes

    def __post_init__(self) -> None:
        # A small-order key verifies signatures of almost any message (libsodium refuses such
        # keys when verifying; we refuse them on sight, so that none is ever certified).
        if len(self.raw) != 32 or not _is_valid_point(self.raw):
            raise MalformedError("Cette clé de signature n'est pas une clé Ed25519 acceptable.")

    @classmethod
    def parse(cls, text: str) -> VerifyKey:
        """From canonical base64; raises MalformedError."""
        return cls(decode_base64(text))

    def __str__(self) -> str:
        return encode_base64(self.raw)

    @cached_property
    def fingerprint(self) -> Digest:
        """How statements name this key in their ``signer`` field."""
        return Digest(tagged_sha256(KEY_FINGERPRINT, [self.raw]).hex())

    def check(self, message: bytes, signature: bytes) -> None:
        """Raise BadSignatureError unless ``signature`` is this key's over ``message``."""
        if len(signature) != SIGNATURE_BYTES:
            raise BadSignatureError("La signature n'a pas 64 octets.")
        try:
            nacl.signing.VerifyKey(self.raw).verify(message, signature)
        except nacl.exceptions.BadSignatureError as error:
            raise BadSignatureError("La signature ne correspond pas à la clé attendue.") from error


@dataclass(frozen=True)
class Recipient:
    """An ``mlkem768x25519`` age recipient as its 1,216 raw bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != RECIPIENT_BYTES:
            raise MalformedError("Cette clé de destinataire n'a pas 1 216 octets.")

    @classmethod
    def parse(cls, text: str) -> Recipient:
        """From canonical base64; raises MalformedError."""
        return cls(decode_base64(text))

    def __str__(self) -> str:
        return encode_base64(self.raw)

    def __repr__(self) -> str:
        return f"<Recipient {str(self)[:12]}…>"
