"""A device's identity: one master seed, from which the age and the signing key are derived."""

from __future__ import annotations

from typing import TypeVar

from crypto.age.identities import recipient_of
from crypto.age.primitives import hkdf_sha256
from crypto.keys import HybridIdentity, MasterSeed, PartySigningSeed, Recipient, VerifyKey
from crypto.labels import IDENTITY_AGE, IDENTITY_SIGNING
from crypto.statements.dsse import Unverified, seal
from crypto.statements.model import Statement

S = TypeVar("S", bound=Statement)


class Identity:
    """Both keys of one device. Distinct HKDF labels: neither key tells anything of the other."""

    __slots__ = ("_signing_seed", "age_identity", "recipient", "verify_key")

    age_identity: HybridIdentity
    recipient: Recipient
    verify_key: VerifyKey

    def __init__(self, seed: MasterSeed) -> None:
        self.age_identity = HybridIdentity(_derive(seed, IDENTITY_AGE))
        self._signing_seed = PartySigningSeed(_derive(seed, IDENTITY_SIGNING))
        self.recipient = recipient_of(self.age_identity)
        self.verify_key = self._signing_seed.verify_key()

    @classmethod
    def from_seed(cls, seed: MasterSeed) -> Identity:
        """The identity of a device's master seed."""
        return cls(seed)

    def sign(self, statement: S) -> Unverified[S]:
        """``statement`` in an envelope signed by this device alone."""
        return seal(statement, [self._signing_seed])

    def __repr__(self) -> str:
        return f"<Identity of {self.verify_key.fingerprint[:12]}…>"


def _derive(seed: MasterSeed, label: bytes) -> bytes:
    return hkdf_sha256(seed.reveal(), salt=b"", info=label)
