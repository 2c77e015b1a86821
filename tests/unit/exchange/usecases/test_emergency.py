"""What a registrar's emergency permits, to everybody who believes checkpoints."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest

from crypto.keys import PartySigningSeed
from crypto.statements import Unverified, parse, seal
from crypto.statements.custody import Emergency
from crypto.statements.registry import RegistrarKey, TrustPolicy
from crypto.trust import TrustedPolicy, accept_first
from exchange.usecases.emergency import CLOCK_TOLERANCE, MAX_EMERGENCY, log_rules, permitted_by
from tests.support.memory_commission import Commission


@pytest.fixture
def trusted(world: Commission) -> TrustedPolicy:
    return accept_first(world.trust, parse(TrustPolicy, world.trust_policy().envelope))


def signed(
    world: Commission, key: PartySigningSeed | None = None, **changes: Any
) -> Unverified[Any]:
    values = {
        "quorum": 1,
        "expires_at": world.now + timedelta(days=1),
        "reason": "panne",
        **changes,
    }
    if key is None:
        return world.by_registrar(Emergency, **values)
    return world.sign(Emergency, key.verify_key().fingerprint, [key], **values)


def test_the_registrars_word_counts_for_its_time(world: Commission, trusted: TrustedPolicy) -> None:
    """Quorum and end as signed, the beginning some minutes earlier: two clocks are at work."""
    statement = signed(world)
    (lowered,) = log_rules(trusted, [statement]).lowered
    issued = statement.statement.issued_at
    assert (lowered.quorum, lowered.begins, lowered.ends) == (
        *(1, issued - CLOCK_TOLERANCE),
        world.now + timedelta(days=1),
    )


def test_nobody_else_lowers_anything(world: Commission, trusted: TrustedPolicy) -> None:
    """Another key, and the registrar's name over another's signature, permit nothing."""
    stranger = PartySigningSeed.generate(os.urandom)
    own = signed(world)
    forged = seal(own.statement, [stranger])
    assert log_rules(trusted, [signed(world, stranger), forged]).lowered == ()


@pytest.mark.parametrize("lasting", [timedelta(), -timedelta(hours=1), MAX_EMERGENCY * 1.01])
def test_never_for_long(world: Commission, trusted: TrustedPolicy, lasting: timedelta) -> None:
    """One that ends before it begins, or lasts longer than a week, permits nothing."""
    statement = signed(world, expires_at=world.now + lasting)
    assert log_rules(trusted, [statement]).lowered == ()


def test_a_registrar_who_is_none_any_more(world: Commission) -> None:
    """A policy that no longer names the key takes its emergencies back, also where they were
    verified before.
    """
    statement = signed(world)
    other = RegistrarKey(
        key=PartySigningSeed.generate(os.urandom).verify_key(),
        not_after=world.now + timedelta(days=90),
    )
    without = world.trust_policy(registrar_keys=(other,))
    trusted = accept_first(world.trust, parse(TrustPolicy, without.envelope))
    assert log_rules(trusted, [statement]).lowered == ()
    assert permitted_by(trusted, statement.statement) is None
