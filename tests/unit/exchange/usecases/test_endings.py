"""Withdrawal, closing, purge, retention: what ends, ends in the same moment, and for good."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from audit.receipts import verify_receipt
from crypto.statements import parse
from crypto.statements.custody import (
    ArchivesVisa,
    Cause,
    Destruction,
    Hold,
    Purge,
)
from crypto.statements.exchange import Withdrawal
from exchange.usecases.destruction import settle
from exchange.usecases.errors import (
    BrokerRefusalError,
    BrokerUnavailableError,
    ConflictError,
    NotFoundError,
)
from exchange.usecases.facts import latest_sitting
from exchange.usecases.service import PURGE_DELAY
from exchange.usecases.sweep import sweep
from tests.support.memory_commission_registry import days

EXPIRY = timedelta(hours=25)
"""When the broker has surely destroyed by its own clock: a day after ``closes_at``."""


def state(world, made) -> str:
    return world.database.rows.deposits[made.deposit].state


def test_a_withdrawal_destroys_the_dossiers_keys(convoked, world):
    """The answer carries the broker's destruction with its receipt; envelopes and objects are gone."""
    made, other = convoked.deposit(), convoked.deposit()
    done = world.withdraw(convoked.depositor, made)
    destruction = parse(Destruction, done.destruction.envelope).statement
    assert destruction.cause is Cause.WITHDRAWAL
    assert destruction.release_keys == (made.manifest.statement.release_key_sha256,)
    details = verify_receipt(done.destruction.receipt, world.log_policy).details
    assert details.type.value == "key.destroyed"
    assert details.cites["because"] == done.digest
    assert (state(world, made), state(world, other)) == ("purged", "committed")
    assert list(world.objects.names()) == [world.database.rows.deposits[other.deposit].object_name]
    assert world.events()[-1].cites == {"withdrawal": done.digest}
    assert world.events()[-1].facts == {"deposits": "1"}
    assert {deposit for deposit, _ in world.database.rows.sealed} == {other.deposit}


def test_a_withdrawal_takes_the_complements_along(convoked, world):
    """All deposits of the dossier end together."""
    made = convoked.deposit()
    added = convoked.deposit(dossier=made.dossier, complement_of=made.manifest.digest)
    done = world.withdraw(convoked.depositor, made)
    destruction = parse(Destruction, done.destruction.envelope).statement
    assert len(destruction.release_keys) == 2
    assert state(world, added) == "purged"
    assert list(world.objects.names()) == []


def test_a_closing_destroys_every_key_of_the_sitting(convoked, world):
    """Also of deposits that were begun and never committed."""
    made, begun = convoked.deposit(), world.begun(convoked.depositor)
    done = world.post(world.closing())
    destruction = parse(Destruction, done.destruction.envelope).statement
    assert destruction.cause is Cause.CLOSING
    assert len(destruction.release_keys) == 2
    assert (state(world, made), state(world, begun)) == ("closed", "abandoned")
    assert world.database.rows.sealed == {}


def test_the_same_withdrawal_again_gives_the_same_destruction(convoked, world):
    """One destruction, one event, however often the client asks."""
    made = convoked.deposit()
    signed = world.by(convoked.depositor, Withdrawal, dossier=made.dossier, reason="renonce")
    first = world.post(signed, convoked.depositor.caller)
    again = world.post(signed, convoked.depositor.caller)
    assert first.destruction.envelope == again.destruction.envelope
    assert world.kinds().count("key.destroyed") == 1
    with pytest.raises(ConflictError):
        world.withdraw(convoked.depositor, made)


def test_only_the_own_association_withdraws(convoked, world):
    """Another association's withdrawal is the withdrawal of a dossier that does not exist."""
    made = convoked.deposit()
    before = world.database.dump()
    with pytest.raises(NotFoundError) as theirs:
        world.withdraw(convoked.other_depositor, made)
    assert world.database.dump() == before
    assert made.dossier not in str(theirs.value)


def test_a_withdrawal_acts_while_the_broker_is_away(convoked, world):
    """From its acceptance nothing opens; the keys end when the broker is back, without the client."""
    made = convoked.ready()
    world.broker.down = True
    with pytest.raises(BrokerUnavailableError):
        world.withdraw(convoked.depositor, made)
    assert state(world, made) == "withdrawn"
    assert world.database.rows.sealed == {}
    world.broker.down = False
    assert [each.reason for each in world.release(convoked.doctor, made).refused] == ["withdrawn"]
    assert "key.destroyed" not in world.kinds()
    sweep(world.service)
    assert world.kinds().count("key.destroyed") == 1
    assert settle(world.service) == 0


def test_a_sitting_that_nobody_closes_ends_by_itself(convoked, world):
    """The broker's own destruction, a day after closes_at, is logged once and ends the deposits."""
    made = convoked.deposit()
    world.clock.advance(days(12) + timedelta(hours=23))
    settle(world.service)
    assert state(world, made) == "committed"
    world.clock.advance(timedelta(hours=2))
    settle(world.service)
    settle(world.service)
    assert world.kinds().count("key.destroyed") == 1
    assert world.events()[-1].cites.keys() == {"destruction"}
    assert state(world, made) == "closed"
    assert world.database.rows.sealed == {}


def test_a_destruction_for_another_cause_is_refused(convoked, world):
    """A broker that answers a withdrawal with another destruction is not believed."""
    made, other = convoked.deposit(), convoked.deposit()
    wrong = world.withdraw(convoked.depositor, other).destruction.envelope
    world.broker.destroy = lambda because: wrong
    with pytest.raises(BrokerRefusalError):
        world.withdraw(convoked.depositor, made)
    assert world.kinds().count("key.destroyed") == 1


# --- purge --------------------------------------------------------------------------------------


VISA = ArchivesVisa(reference="AD 2026-17", day=date(2026, 11, 2))


def purge(world, *deposits, visa=None):
    ids = tuple(each.deposit for each in deposits)
    return world.by_registrar(
        Purge, sitting=world.sitting_id, deposits=ids, reason="fin", visa=visa
    )


def hold(world, made, until):
    return world.by_registrar(Hold, dossiers=(made.dossier,), until=until, reason="recours")


def refused(world, error, signed, match=None):
    before = world.database.dump()
    with pytest.raises(error, match=match):
        world.post(signed)
    assert world.database.dump() == before


def test_a_purge_deletes_the_ciphertexts(convoked, world):
    """Once the delay is over: objects deleted, states moved, one event; again changes nothing."""
    made, kept = convoked.deposit(), convoked.deposit()
    world.post(world.closing())
    world.clock.advance(PURGE_DELAY)
    signed = purge(world, made, visa=VISA)
    world.post(signed)
    world.post(signed)
    assert world.kinds().count("purge.done") == 1
    assert world.events()[-1].facts == {"deposits": "1"}
    assert state(world, made) == "purged"
    record = world.database.rows.deposits[kept.deposit]
    assert list(world.objects.names()) == [record.object_name]


def test_nothing_is_purged_before_its_end(convoked, world):
    """Neither a deposit in use, nor one under way, nor one of another sitting."""
    made, begun = convoked.deposit(), world.begun(convoked.depositor)
    refused(world, ConflictError, purge(world, made))
    refused(world, ConflictError, purge(world, begun))
    elsewhere = {"sitting": world.new_id(), "deposits": (made.deposit,), "reason": "x"}
    refused(world, NotFoundError, world.by_registrar(Purge, visa=None, **elsewhere))


def test_a_closed_sittings_deposits_wait_for_the_delay(convoked, world):
    """The decision may be appealed for two months: to the last second nothing is deleted."""
    made = convoked.deposit()
    world.post(world.closing())
    world.clock.advance(PURGE_DELAY - timedelta(seconds=1))
    refused(world, ConflictError, purge(world, made, visa=VISA), match="60 jours")
    world.clock.advance(timedelta(seconds=1))
    world.post(purge(world, made, visa=VISA))
    assert state(world, made) == "purged"


def test_a_sitting_that_nobody_closed_is_purged_from_its_term(convoked, world):
    """Where no closing was signed, the delay counts from ``closes_at``."""
    made = convoked.deposit()
    closes_at = latest_sitting(world.index(), world.sitting_id).statement.closes_at
    world.clock.advance(closes_at + EXPIRY - world.now)
    settle(world.service)
    assert state(world, made) == "closed"
    world.clock.advance(closes_at + PURGE_DELAY - timedelta(seconds=1) - world.now)
    refused(world, ConflictError, purge(world, made), match="60 jours")
    world.clock.advance(timedelta(seconds=1))
    world.post(purge(world, made))


def test_a_hold_keeps_a_closed_dossier_back(convoked, world):
    """Under hold no purge is accepted; when it has run out, or was lifted, it is."""
    made, other = convoked.deposit(), convoked.deposit()
    world.post(world.closing())
    world.clock.advance(PURGE_DELAY)
    for each in (made, other):
        world.post(hold(world, each, world.now + days(30)))
        refused(world, ConflictError, purge(world, each, visa=VISA), match="conservation")
    world.post(hold(world, other, None))
    world.post(purge(world, other, visa=VISA))
    world.clock.advance(days(30))
    world.post(purge(world, made, visa=VISA))


def test_the_latest_hold_counts(convoked, world):
    """A shorter hold signed later replaces the longer one before it."""
    made = convoked.deposit()
    world.post(world.closing())
    world.post(hold(world, made, world.now + days(300)))
    world.post(hold(world, made, world.now + days(61)))
    world.clock.advance(days(61))
    world.post(purge(world, made, visa=VISA))


def test_a_held_dossier_survives_its_withdrawal(convoked, world):
    """Its keys end and nobody opens it, but its ciphertext stays until the hold is lifted."""
    made = convoked.deposit()
    world.post(hold(world, made, world.now + days(30)))
    world.withdraw(convoked.depositor, made)
    assert state(world, made) == "withdrawn"
    assert world.kinds()[-1] == "key.destroyed"
    sweep(world.service)
    assert len(list(world.objects.names())) == 1
    world.post(hold(world, made, None))
    sweep(world.service)
    assert state(world, made) == "purged"
    assert list(world.objects.names()) == []


@pytest.mark.parametrize("order", [False, True])
def test_a_purge_cut_short_is_finished_by_the_sweep(convoked, world, order):
    """Rows first, objects after: what a crash leaves behind is unreferenced and goes."""
    made = convoked.deposit()

    def die(name: str) -> None:
        raise OSError("gone")

    if order:
        world.post(world.closing())
        world.clock.advance(PURGE_DELAY)
    delete, world.objects.delete = world.objects.delete, die
    with pytest.raises(OSError, match="gone"):
        if order:
            world.post(purge(world, made))
        else:
            world.withdraw(convoked.depositor, made)
    world.objects.delete = delete
    assert len(list(world.objects.names())) == 1
    assert sweep(world.service).objects == 1
    assert list(world.objects.names()) == []
    assert world.kinds().count("purge.done") == 1
