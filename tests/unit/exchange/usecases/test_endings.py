"""Withdrawal, closing, purge, retention: what ends, ends in the same moment, and for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.receipts import verify_receipt
from crypto.statements import parse
from crypto.statements.custody import Attestation, Cause, Destruction, Hold, Purge, Retention
from crypto.statements.exchange import Withdrawal
from exchange.usecases.destruction import settle
from exchange.usecases.errors import (
    BrokerRefusalError,
    BrokerUnavailableError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
)
from exchange.usecases.sweep import sweep
from tests.support.builders import days


def state(world, made) -> str:
    return world.database.rows.deposits[made.deposit].state


def test_a_withdrawal_destroys_the_dossiers_keys(convoked, world):
    """The answer carries the broker's destruction with its receipt; state and envelopes are gone."""
    made, other = convoked.deposit(), convoked.deposit()
    done = world.withdraw(convoked.depositor, made)
    destruction = parse(Destruction, done.destruction.envelope).statement
    assert destruction.cause is Cause.WITHDRAWAL
    assert destruction.release_keys == (made.manifest.statement.release_key_sha256,)
    details = verify_receipt(done.destruction.receipt, world.log_policy).details
    assert details.type.value == "key.destroyed"
    assert details.cites["because"] == done.digest
    assert (state(world, made), state(world, other)) == ("withdrawn", "committed")
    assert {deposit for deposit, _ in world.database.rows.sealed} == {other.deposit}


def test_a_withdrawal_takes_the_complements_along(convoked, world):
    """All deposits of the dossier end together."""
    made = convoked.deposit()
    added = convoked.deposit(dossier=made.dossier, complement_of=made.manifest.digest)
    done = world.withdraw(convoked.depositor, made)
    destruction = parse(Destruction, done.destruction.envelope).statement
    assert len(destruction.release_keys) == 2
    assert state(world, added) == "withdrawn"


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


def purge(world, *deposits):
    ids = tuple(each.deposit for each in deposits)
    return world.by_registrar(
        Purge, sitting=world.sitting_id, deposits=ids, reason="fin", visa=None
    )


def test_a_purge_deletes_the_ciphertexts(convoked, world):
    """After withdrawal or closing: objects deleted, states moved, one event; again changes nothing."""
    made, kept = convoked.deposit(), convoked.deposit()
    world.withdraw(convoked.depositor, made)
    signed = purge(world, made)
    world.post(signed)
    world.post(signed)
    assert world.kinds().count("purge.done") == 1
    assert world.events()[-1].facts == {"deposits": "1"}
    assert state(world, made) == "purged"
    record = world.database.rows.deposits[kept.deposit]
    assert list(world.objects.names()) == [record.object_name]


def test_nothing_is_purged_before_its_end(convoked, world):
    """Neither a deposit in use, nor one under way, nor one of another sitting, nor a held one."""
    made, begun = convoked.deposit(), world.begun(convoked.depositor)

    def refused(error, signed):
        before = world.database.dump()
        with pytest.raises(error):
            world.post(signed)
        assert world.database.dump() == before

    refused(ConflictError, purge(world, made))
    refused(ConflictError, purge(world, begun))
    world.withdraw(convoked.depositor, made)
    elsewhere = {"sitting": world.new_id(), "deposits": (made.deposit,), "reason": "x"}
    elsewhere["visa"] = None
    refused(NotFoundError, world.by_registrar(Purge, **elsewhere))
    until = world.now + days(30)
    hold = {"dossiers": (made.dossier,), "until": until, "reason": "recours"}
    world.post(world.by_registrar(Hold, **hold))
    refused(ConflictError, purge(world, made))
    world.clock.advance(days(31))
    world.post(purge(world, made))


def test_a_purge_cut_short_is_finished_by_the_sweep(convoked, world):
    """Rows first, objects after: what a crash leaves behind is unreferenced and goes."""
    made = convoked.deposit()
    world.withdraw(convoked.depositor, made)

    def die(name: str) -> None:
        raise OSError("gone")

    delete, world.objects.delete = world.objects.delete, die
    with pytest.raises(OSError, match="gone"):
        world.post(purge(world, made))
    world.objects.delete = delete
    assert len(list(world.objects.names())) == 1
    assert sweep(world.service).objects == 1
    assert list(world.objects.names()) == []


# --- retention ----------------------------------------------------------------------------------


def retention(world, first, last):
    ranges = ({"first": first, "last": last},)
    return world.by_registrar(Retention, ranges=ranges, rule="12 mois (CNIL)")


def attest(convoked, first, last):
    world = convoked.world
    note = world.log.checkpoint().decode()
    ranges = ({"first": first, "last": last},)
    signed = world.by(
        convoked.auditor, Attestation, ranges=ranges, checkpoint=note, verdict="conforme"
    )
    world.post(signed, convoked.auditor.caller)


def test_old_attested_traces_are_erased(convoked, world):
    """After twelve months and an attestation, details and openings go; the log still verifies."""
    made = convoked.ready()
    world.release(convoked.doctor, made)
    place = len(world.kinds()) - 1
    signed = retention(world, place, place)
    with pytest.raises(ConflictError, match="conservation"):
        world.post(signed)
    world.clock.advance(days(350))
    attest(convoked, place, place)
    world.post(world.trust_policy(2))
    world.clock.advance(days(17))
    world.post(retention(world, place, place))
    assert world.log_store.disclosure(place) is None
    assert world.log_store.disclosure(place - 1) is not None
    assert world.kinds()[-1] == "retention.applied"


def test_traces_are_not_erased_without_attestation(convoked, world):
    """An auditor must have verified the range, all of it, before."""
    made = convoked.ready()
    world.release(convoked.doctor, made)
    world.release(convoked.doctor, made)
    last = len(world.kinds()) - 1
    world.clock.advance(days(350))
    attest(convoked, last, last)
    world.post(world.trust_policy(2))
    world.clock.advance(days(17))
    before = world.database.dump()
    with pytest.raises(ConflictError, match="attestés"):
        world.post(retention(world, last - 1, last))
    with pytest.raises(InvalidRequestError):
        world.post(retention(world, last, 10**6))
    with pytest.raises(InvalidRequestError):
        world.post(retention(world, last, last - 1))
    assert world.database.dump() == before


def test_the_registry_stays(convoked, world):
    """The events of rosters, sittings and certificates are never erased by a retention."""
    world.clock.advance(days(350))
    attest(convoked, 0, 5)
    world.post(world.trust_policy(2))
    world.clock.advance(days(17))
    with pytest.raises(ConflictError, match="registre"):
        world.post(retention(world, 0, 5))
