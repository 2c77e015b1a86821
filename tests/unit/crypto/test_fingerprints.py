"""Fingerprints for the phone."""

from __future__ import annotations

import re

from crypto.age.identities import recipient_of
from crypto.edge.identity import Identity
from crypto.fingerprints import spoken_fingerprint, spoken_trust_fingerprint
from crypto.keys import HybridIdentity, MasterSeed, PartySigningSeed
from crypto.trust import Trust

ONE, TWO = Identity.from_seed(MasterSeed(b"1" * 32)), Identity.from_seed(MasterSeed(b"2" * 32))


def test_form() -> None:
    """Eight groups of four digits, and always the same ones."""
    spoken = spoken_fingerprint(ONE.recipient, ONE.verify_key)
    assert re.fullmatch(r"\d{4}( \d{4}){7}", spoken, re.ASCII)
    assert spoken == "9449 9220 8814 7364 9616 6219 4142 2046"


def test_either_key_counts() -> None:
    """Exchanging one of the two keys changes what is read out."""
    spoken = {
        spoken_fingerprint(recipient, key)
        for recipient in (ONE.recipient, TWO.recipient, recipient_of(HybridIdentity(b"x" * 32)))
        for key in (ONE.verify_key, TWO.verify_key)
    }
    assert len(spoken) == 6


def test_trust() -> None:
    """The fingerprint of a trust file depends on commission, keys and threshold."""
    keys = tuple(PartySigningSeed(letter * 32).verify_key() for letter in (b"r", b"s"))
    trusts = [
        Trust(commission="a" * 26, root_keys=keys, threshold=1),
        Trust(commission="a" * 26, root_keys=keys, threshold=2),
        Trust(commission="a" * 26, root_keys=keys[:1], threshold=1),
        Trust(commission="a" * 26, root_keys=keys[::-1], threshold=1),
        Trust(commission="b" * 25 + "a", root_keys=keys, threshold=1),
    ]
    assert len({spoken_trust_fingerprint(trust) for trust in trusts}) == 5
    assert all(re.fullmatch(r"\d{4}( \d{4}){7}", spoken_trust_fingerprint(t)) for t in trusts)
