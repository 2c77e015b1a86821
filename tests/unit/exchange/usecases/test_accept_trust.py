"""Accepting trust policies: who signs them, how they follow each other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.keys import PartySigningSeed
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Manifest
from crypto.statements.registry import RegistrarKey, Role, Sitting, TrustPolicy
from exchange.usecases.accept_statement import accept_statement
from exchange.usecases.errors import ExpiredError, InvalidRequestError, NotAllowedError
from tests.support.memory_commission import Commission
from tests.support.memory_commission_registry import days
from tests.support.refusals import refused


def test_the_first_policy_needs_no_login_and_is_entry_0():
    """It begins the log; a repetition without login gets the same entry."""
    world = Commission()
    signed = world.trust_policy()
    first = accept_statement(world.service, None, signed.envelope)
    again = accept_statement(world.service, None, signed.envelope)
    assert first.receipt == again.receipt
    assert world.kinds() == ["statement.accepted"]


def test_before_the_first_policy_nothing_is_accepted():
    """Without a trust policy no key counts."""
    world = Commission()
    refused(world, NotAllowedError, world.invitation(world.new_id(), "N", "cdom", Role.MEMBER))


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (NotAllowedError, {"version": 2}),
        (NotAllowedError, {"commission": "b" * 25 + "a"}),
        (NotAllowedError, {"threshold": 3}),
        (InvalidRequestError, {"origin": "autre.example/log"}),
        (InvalidRequestError, {"witness_policy": "quorum none\n"}),
        (ExpiredError, {"issued_at": -days(31)}),
        (ExpiredError, {"issued_at": timedelta(minutes=6)}),
        (ExpiredError, {"expires_at": timedelta()}),
    ],
)
def test_a_bad_first_policy_is_refused(error, changes):
    """Wrong version, commission, threshold, origin, witnesses or dates: nothing begins."""
    world = Commission()
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    with pytest.raises(error):
        accept_statement(world.service, None, world.trust_policy(**changes).envelope)
    assert world.kinds() == []


def test_a_policy_signed_by_too_few_roots_is_refused():
    """The threshold of the pinned roots must sign, each once."""
    world = Commission()
    one = world.trust_policy(seeds=[world.roots[0]])
    same = world.trust_policy(seeds=[world.roots[0], world.roots[0]])
    stranger = world.trust_policy(seeds=[world.roots[0], PartySigningSeed.generate(world.entropy)])
    for signed in (one, same, stranger):
        with pytest.raises(NotAllowedError):
            accept_statement(world.service, None, signed.envelope)
    assert world.kinds() == []


def test_a_registrar_key_is_certified_for_a_year_at_most():
    """A longer term is refused."""
    world = Commission()
    keys = (RegistrarKey(key=world.registrar_seed.verify_key(), not_after=world.now + days(367)),)
    with pytest.raises(InvalidRequestError, match="douze mois"):
        accept_statement(world.service, None, world.trust_policy(registrar_keys=keys).envelope)


def test_the_next_policy_follows_and_the_old_one_never_returns(convoked, world):
    """Version 2 is carried by any login; version 1, another 2 and 4 are refused, login or not."""
    second = world.trust_policy(2)
    world.post(second, convoked.doctor.caller)
    for signed in (world.trust_policy(1), world.trust_policy(2), world.trust_policy(4)):
        refused(world, NotAllowedError, signed)
        with pytest.raises(NotAllowedError):
            accept_statement(world.service, None, signed.envelope)


def test_the_next_policy_needs_the_roots_and_no_login(convoked, world):
    """When the broker is lost nobody can log in: the roots' threshold alone carries a policy."""
    second = world.trust_policy(2)
    with pytest.raises(NotAllowedError):
        accept_statement(world.service, None, world.trust_policy(2, world.roots[:1]).envelope)
    accept_statement(world.service, None, second.envelope)
    assert world.service.broker.index.get(second.digest) is not None


def test_a_new_broker_is_shown_everything_again(convoked, world):
    """A policy that names another broker makes the service show it all statements, oldest first."""
    made = convoked.deposit()
    former = world.broker
    world.replace_broker()
    assert world.broker.index.get(made.manifest.digest) is None
    accept_statement(world.service, None, world.trust_policy(2).envelope)
    for kind in (TrustPolicy, Sitting, Manifest, ReleaseKey):
        shown = [each.digest for each in world.broker.index.find(kind)]
        known = [each.digest for each in former.index.find(kind)]
        assert shown[: len(known)] == known
    assert len(world.broker.index.find(TrustPolicy)) == 2


def test_an_expired_policy_lets_only_access_end(convoked, world):
    """When the policy has lapsed nothing new is accepted; a withdrawal and a recusal still are."""
    made = convoked.deposit()
    convoked.on_agenda(made)
    year = world.now + days(359)
    keys = (RegistrarKey(key=world.registrar_seed.verify_key(), not_after=year),)
    world.post(world.trust_policy(2, expires_at=world.now + days(1), registrar_keys=keys))
    world.clock.advance(days(2))
    refused(world, NotAllowedError, world.revised(), match="expiré")
    world.recuse(convoked.doctor, made)
    world.withdraw(convoked.depositor, made)
