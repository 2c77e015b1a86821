"""Retention: what is told is erased at its term, and what still counts rests on what it needs."""

from __future__ import annotations

import pytest

from crypto.statements.custody import Attestation, Retention
from crypto.statements.exchange import Declaration, Manifest, Withdrawal
from exchange.usecases.errors import ConflictError, InvalidRequestError
from exchange.usecases.facts import latest_agenda
from tests.support.memory_commission import days


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


def test_what_an_agenda_listed_is_erased_with_its_deposits(convoked, world):
    """While one deposit's event is disclosed the agenda says what it lists; then it says nothing."""
    made = convoked.ready()
    agenda = latest_agenda(world.index(), world.sitting_id)
    release = world.release(convoked.doctor, made) and len(world.kinds()) - 1
    deposit = world.kinds().index("deposit.committed")
    world.clock.advance(days(350))
    attest(convoked, deposit, release)
    world.post(world.trust_policy(2))
    world.clock.advance(days(17))
    world.post(retention(world, release, release))
    assert len(world.index().opened(agenda.digest)) == len(agenda.statement.items)
    world.post(retention(world, deposit, deposit))
    assert world.index().opened(agenda.digest) == ()
    assert world.index().get(agenda.digest) is not None


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


def aged(convoked, first, last):
    """All of a range is attested, and old enough to be erased."""
    world = convoked.world
    world.clock.advance(days(350))
    attest(convoked, first, last)
    world.post(world.trust_policy(2))
    world.clock.advance(days(17))


def test_a_manifest_stays_while_its_pathway_goes_on(convoked, world):
    """Its months are counted by its manifests: the first goes with the last of them, another's at once."""
    first, second = convoked.deposit(), convoked.deposit()
    other = convoked.deposit(pathway="b" * 25 + "a")
    places = [at for at, kind in enumerate(world.kinds()) if kind == "deposit.committed"]
    aged(convoked, places[0], places[-1])
    one, two, three = places
    world.post(retention(world, one, one))
    world.post(retention(world, three, three))
    kept = {each.digest for each in world.index().find(Manifest)}
    assert kept == {first.manifest.digest, second.manifest.digest}
    assert other.manifest.digest not in kept
    world.post(retention(world, two, two))
    assert world.index().find(Manifest) == ()


def test_what_stays_keeps_what_it_rests_on(convoked, world):
    """A statement that a disclosed event cites stays, though its own event is erased; later it goes."""
    made = convoked.ready()
    world.release(convoked.doctor, made)
    release = len(world.kinds()) - 1
    declaration = next(
        at for at, event in enumerate(world.events()) if event.facts.get("type") == "declaration"
    )
    aged(convoked, declaration, release)
    world.post(retention(world, declaration, declaration))
    assert len(world.index().find(Declaration)) == 1
    world.post(retention(world, release, release))
    assert world.index().find(Declaration) == ()


def place_of(world, **facts):
    """The first event with these facts."""
    return next(
        at for at, event in enumerate(world.events()) if facts.items() <= event.facts.items()
    )


def test_a_later_retention_leaves_what_an_earlier_event_rests_on(convoked, world):
    """Declaration erased, the release that cites it not: erasing something younger than both changes
    nothing for it."""
    made = convoked.ready()
    world.release(convoked.doctor, made)
    release = len(world.kinds()) - 1
    world.release(convoked.doctor, made)
    younger = len(world.kinds()) - 1
    declaration = place_of(world, type="declaration")
    assert declaration < release < younger
    aged(convoked, declaration, younger)
    world.post(retention(world, declaration, declaration))
    world.post(retention(world, younger, younger))
    assert len(world.index().find(Declaration)) == 1
    world.post(retention(world, release, release))
    assert world.index().find(Declaration) == ()


def test_a_withdrawal_goes_though_the_destruction_names_it(convoked, world):
    """``key.destroyed`` stays in the log for good; the withdrawal that it cites, and which names the
    dossier, goes with the last event that can be erased."""
    made, other = convoked.deposit(), convoked.ready()
    world.withdraw(convoked.depositor, made)
    world.release(convoked.doctor, other)
    younger = len(world.kinds()) - 1
    withdrawal, purged = place_of(world, type="withdrawal"), world.kinds().index("purge.done")
    assert withdrawal < purged < younger
    aged(convoked, withdrawal, younger)
    world.post(retention(world, withdrawal, withdrawal))
    world.post(retention(world, younger, younger))
    assert len(world.index().find(Withdrawal)) == 1
    world.post(retention(world, purged, purged))
    assert world.index().find(Withdrawal) == ()
    assert "key.destroyed" in world.kinds()
