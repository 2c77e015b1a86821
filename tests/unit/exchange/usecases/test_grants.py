"""Grants: later envelopes, only for who may read, only in time."""

from __future__ import annotations

import pytest

from audit.receipts import verify_receipt
from crypto.statements.exchange import Purpose
from crypto.statements.registry import Role
from exchange.usecases.add_grant import add_grant
from exchange.usecases.errors import ConflictError, ExpiredError, NotAllowedError, NotFoundError
from tests.support.memory_commission_registry import days


def test_a_grant_adds_envelopes(convoked):
    """A grant to a new colleague is kept, logged, shown to the broker, and repeats harmlessly."""
    world, made = convoked.world, convoked.deposit()
    colleague = world.admit("Rémi Demo", "altair", Role.DEPOSITOR)
    signed, envelopes = world.grant(convoked.depositor, made, (colleague, Purpose.GRANT))
    arguments = (made.deposit, signed.envelope, envelopes)
    first = add_grant(world.service, convoked.depositor.caller, *arguments)
    again = add_grant(world.service, convoked.depositor.caller, *arguments)
    assert (
        verify_receipt(first, world.log_policy).index
        == verify_receipt(again, world.log_policy).index
    )
    assert world.kinds().count("grant.added") == 1
    assert world.broker.index.get(signed.digest) is not None


def test_grants_reach_only_who_may_read(convoked):
    """Not the recused seat, nobody outside, not the wrong purpose, nothing after the end."""
    world, made = convoked.world, convoked.deposit()
    for to in (
        (convoked.altair_member, Purpose.READ),
        (world.people["Perrine Invitée"], Purpose.READ),
        (convoked.other_depositor, Purpose.GRANT),
        (convoked.doctor, Purpose.GRANT),
        (convoked.depositor, Purpose.READ),
    ):
        before = world.database.dump()
        with pytest.raises(NotAllowedError):
            world.add_grant(convoked.depositor, made, to)
        assert world.database.dump() == before
    with pytest.raises(NotFoundError):
        world.add_grant(convoked.other_depositor, made, (convoked.doctor, Purpose.READ))
    world.withdraw(convoked.depositor, made)
    with pytest.raises(ConflictError):
        world.add_grant(convoked.depositor, made, (convoked.doctor, Purpose.READ))


def test_a_grant_after_the_closing_time_is_refused(convoked):
    """Grants end with the window, closed or not."""
    world, made = convoked.world, convoked.deposit()
    world.clock.advance(days(12))
    with pytest.raises(ExpiredError):
        world.add_grant(convoked.depositor, made, (convoked.doctor, Purpose.READ))
