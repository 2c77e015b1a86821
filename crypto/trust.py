"""What a client pins, and the chain of trust policies that grows from it.

``trust.json`` = commission, root keys, threshold; everything else that counts is in the root-signed
trust policy. Only this module makes a :class:`TrustedPolicy`, so whoever holds one knows that it was
signed by the threshold of the roots in force when it was issued.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field, ValidationError

from crypto.digests import Digest, sha256, tagged_sha256
from crypto.errors import MalformedError, UntrustedError
from crypto.keys import VerifyKey
from crypto.labels import TRUST_FINGERPRINT
from crypto.statements.dsse import Unverified, Verified, parse, verify_threshold
from crypto.statements.fields import OpaqueId, VerifyKeyField, Version
from crypto.statements.model import Strict, load_strict_json
from crypto.statements.registry import TrustPolicy

MAX_TRUST_BYTES: Final = 16_384
"""16 root keys of 44 characters and the punctuation, several times over."""

CHAINS_KEPT: Final = 8
"""The chain in force, that before it, and those of other instances in one process (tests, the demo)."""

_MADE_HERE: Final = object()


class Trust(Strict):
    """The content of ``trust.json``: the anchor that a person compares over the phone."""

    commission: OpaqueId
    root_keys: Annotated[
        tuple[VerifyKeyField, ...], Field(strict=False, min_length=1, max_length=16)
    ]
    threshold: Version

    @classmethod
    def parse(cls, data: bytes) -> Trust:
        """Read ``trust.json``; raises MalformedError."""
        try:
            trust = cls.model_validate(load_strict_json(data, limit=MAX_TRUST_BYTES))
        except ValidationError as error:
            raise MalformedError(
                "Ce fichier n'est pas un fichier de confiance (trust.json)."
            ) from error
        if trust.threshold > len(set(trust.root_keys)):
            raise MalformedError(
                "Le seuil de ce fichier de confiance dépasse le nombre de ses clés."
            )
        return trust

    def to_json(self) -> bytes:
        """The canonical bytes of ``trust.json``."""
        return (json.dumps(self.model_dump(mode="json"), indent=2) + "\n").encode()

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical bytes, cited by invitations."""
        return sha256(self.to_json())

    @property
    def fingerprint(self) -> bytes:
        """32 bytes to show as words or groups, for two people to compare."""
        return tagged_sha256(TRUST_FINGERPRINT, [self.to_json()])


@dataclass(frozen=True)
class TrustedPolicy:
    """A trust policy that ends in the pinned root."""

    verified: Verified[TrustPolicy]
    _maker: object

    def __post_init__(self) -> None:
        if self._maker is not _MADE_HERE:
            raise TypeError("only crypto.trust makes a TrustedPolicy")

    @property
    def policy(self) -> TrustPolicy:
        """The statement itself."""
        return self.verified.statement

    def require_unexpired(self, now: datetime) -> None:
        """Raise UntrustedError when the policy has expired at ``now``."""
        if now >= self.policy.expires_at:
            raise UntrustedError(
                "La politique de confiance n° {version} a expiré le {expired:%d/%m/%Y} : "
                "demandez au secrétariat d'en publier une nouvelle.",
                version=self.policy.version,
                expired=self.policy.expires_at,
            )

    def registrar_key(self, fingerprint: Digest, at: datetime) -> VerifyKey | None:
        """The registrar key of that fingerprint, if it was valid at ``at``."""
        for entry in self.policy.registrar_keys:
            if entry.key.fingerprint == fingerprint and at < entry.not_after:
                return entry.key
        return None

    def broker_key(self, fingerprint: Digest) -> VerifyKey | None:
        """The broker statement key of that fingerprint."""
        return next((k for k in self.policy.broker_keys if k.fingerprint == fingerprint), None)


def accept_first(trust: Trust, unverified: Unverified[TrustPolicy]) -> TrustedPolicy:
    """Accept the first trust policy; raises UntrustedError or BadSignatureError."""
    _require_commission(trust.commission, unverified)
    if unverified.statement.version != 1:
        raise UntrustedError("La première politique de confiance doit porter le numéro 1.")
    return _accept(unverified, trust.root_keys, trust.threshold)


def accept_next(current: TrustedPolicy, unverified: Unverified[TrustPolicy]) -> TrustedPolicy:
    """Accept the successor of ``current``, signed by the threshold of old and of new roots."""
    _require_commission(current.policy.commission, unverified)
    if unverified.statement.version != current.policy.version + 1:
        raise UntrustedError(
            "La politique de confiance n° {got} ne suit pas la n° {current} : une version passée "
            "n'est jamais acceptée.",
            got=unverified.statement.version,
            current=current.policy.version,
        )
    return _accept(unverified, current.policy.roots, current.policy.threshold)


def accept_chain(trust: Trust, policies: Iterable[Unverified[TrustPolicy]]) -> TrustedPolicy:
    """Accept versions 1, 2, … in order and return the last; raises UntrustedError when empty."""
    current: TrustedPolicy | None = None
    for unverified in policies:
        current = accept_next(current, unverified) if current else accept_first(trust, unverified)
    if current is None:
        raise UntrustedError("Aucune politique de confiance n'a encore été publiée.")
    return current


@lru_cache(maxsize=CHAINS_KEPT)
def accept_signed(trust: Trust, envelopes: tuple[bytes, ...]) -> TrustedPolicy:
    """``accept_chain`` over envelopes as they were signed, oldest first.

    Remembered, because a service asks for it at every request: the result hangs on these bytes and on
    the pinned trust alone, so other bytes are verified anew. What depends on the time is not asked here.
    """
    return accept_chain(trust, [parse(TrustPolicy, each) for each in envelopes])


def _require_commission(commission: str, unverified: Unverified[TrustPolicy]) -> None:
    if unverified.statement.commission != commission:
        raise UntrustedError("Cette politique de confiance est celle d'une autre commission.")


def _accept(
    unverified: Unverified[TrustPolicy], old_roots: tuple[VerifyKey, ...], old_threshold: int
) -> TrustedPolicy:
    statement = unverified.statement
    if statement.threshold > len(set(statement.roots)):
        raise UntrustedError("Le seuil de cette politique dépasse le nombre de ses clés racine.")
    verify_threshold(unverified, statement.roots, threshold=statement.threshold)
    verified = verify_threshold(unverified, old_roots, threshold=old_threshold)
    return TrustedPolicy(verified, _MADE_HERE)
