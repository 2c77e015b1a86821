"""One seed, two keys."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.age.identities import format_identity
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.keys import HybridIdentity, MasterSeed, PartySigningSeed
from crypto.statements import verify
from crypto.statements.exchange import Withdrawal

SEED = MasterSeed(bytes(range(32)))


def test_derivation_is_pinned() -> None:
    """The keys of a seed never change: a member's old dossiers depend on it."""
    identity = Identity.from_seed(SEED)
    assert format_identity(identity.age_identity) == (
        "AGE-SECRET-KEY-PQ-1ARA03JW6FARKVDM2KFR3GP3E99ZE5A8805PC29XQ58DYHKXSQF3SFJFYGA"
    )
    assert str(identity.verify_key) == "WYq2sgmEq7xBEnlzjoblNjZCDho4WglsVO2syLcCEQw="
    for label, derived in (
        (b"dossier-exchange/v1/identity-age", identity.age_identity.reveal()),
        (b"dossier-exchange/v1/identity-signing", identity._signing_seed.reveal()),
    ):
        assert HKDF(hashes.SHA256(), 32, None, label).derive(SEED.reveal()) == derived


def test_the_two_keys_differ_and_follow_the_seed() -> None:
    """Age and signing key are unrelated, and another seed gives another of each."""
    one, two = Identity.from_seed(SEED), Identity.from_seed(MasterSeed.generate(os.urandom))
    assert one.age_identity.reveal() != one._signing_seed.reveal()
    assert one.recipient != two.recipient
    assert one.verify_key != two.verify_key


def test_roles_are_types() -> None:
    """The derived keys carry their roles, so neither is taken for the other."""
    identity = Identity.from_seed(SEED)
    assert isinstance(identity.age_identity, HybridIdentity)
    assert isinstance(identity._signing_seed, PartySigningSeed)
    assert "redacted" not in repr(identity)
    assert identity.verify_key.fingerprint[:12] in repr(identity)


def test_signing() -> None:
    """A statement that a device signs verifies under its key alone."""
    identity = Identity.from_seed(SEED)
    statement = Withdrawal(
        commission="a" * 26,
        id="b" * 25 + "a",
        issued_at=datetime(2026, 1, 1, tzinfo=UTC),
        signer=Digest("0" * 64),
        dossier="k7qf2-m3xta",
        reason="Demande de la personne.",
    )
    assert verify(identity.sign(statement), identity.verify_key).statement == statement
