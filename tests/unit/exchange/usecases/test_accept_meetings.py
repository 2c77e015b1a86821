"""Accepting rosters, sittings, agendas and closings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crypto.statements.agenda import AgendaOpening
from crypto.statements.registry import Capacity, Closing, Roster, Stage
from exchange.usecases.errors import ConflictError, InvalidRequestError, NotFoundError
from tests.support.memory_commission_registry import SeatOf, days
from tests.support.refusals import refused


def latest_roster(world) -> Roster:
    return max(world.index().find(Roster), key=lambda each: each.statement.version)


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"version": 3}, {"previous": "0" * 64}, {"previous": None}]
)
def test_chains_have_no_gap_and_no_branch(convoked, world, changes):
    """A roster, sitting or agenda that does not follow the latest version is refused."""
    known = latest_roster(world)
    roster = world.roster(convoked.seats, **{"version": 2, "previous": known.digest, **changes})
    refused(world, ConflictError, roster)
    refused(world, ConflictError, world.revised(**changes))
    convoked.on_agenda()
    refused(world, ConflictError, world.agenda(**changes))


def test_an_unlawful_roster_is_refused(convoked, world):
    """The domain's rules on rosters hold for statements."""
    twice = [*convoked.seats, SeatOf("cdom", convoked.seats[0].kind, convoked.mayor)]
    refused(
        world,
        InvalidRequestError,
        world.roster(twice, version=2, previous=latest_roster(world).digest),
    )


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (NotFoundError, {"roster": "0" * 64}),
        (InvalidRequestError, {"zone": "Mars/Olympus"}),
        (InvalidRequestError, {"stage": Stage.PLANNED}),
        (InvalidRequestError, {"closes_at": -days(1)}),
        (InvalidRequestError, {"closes_at": days(5.5), "opens_at": days(6)}),
        (InvalidRequestError, {"closes_at": days(4), "opens_at": days(3)}),
    ],
)
def test_an_unlawful_sitting_is_refused(world, error, changes):
    """Unknown roster, unknown zone, a convocation taken back, dates in disorder, too short notice."""
    changes = {
        name: world.now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    refused(world, error, world.revised(**changes))


def test_urgency_frees_from_the_notice(world):
    """The same short notice with a reason of urgency is accepted (CRPA R133-8)."""
    world.post(
        world.revised(
            opens_at=world.now + days(3), closes_at=world.now + days(4), urgency="danger immédiat"
        )
    )


def test_guests_and_strangers_do_not_sit(convoked, world):
    """A guest's seat, a person without mandate, a wrong capacity, another's device: refused."""
    guest = world.people["Perrine Invitée"]
    doctor = convoked.seats[0]
    rest = tuple(world.seat_taken(each) for each in convoked.seats[1:])
    for seat in (
        world.seat_taken(replace(doctor, seat="invite", person=guest)),
        world.seat_taken(replace(doctor, person=guest)),
        world.seat_taken(replace(doctor, capacity=Capacity.ALTERNATE)),
        world.seat_taken(doctor, guest.certificate),
        world.seat_taken(doctor, convoked.mayor.certificate),
        world.seat_taken(doctor, doctor.person.certificate, doctor.person.certificate),
        world.seat_taken(replace(doctor, person=convoked.mayor)),
    ):
        refused(world, InvalidRequestError, world.revised(seats=(seat, *rest)))
    for digest in ("0" * 64, convoked.depositor.certificate):
        with pytest.raises((ConflictError, InvalidRequestError)):
            world.post(world.revised(seats=(world.seat_taken(doctor, digest), *rest)))


def test_a_revoked_device_is_not_seated(convoked, world):
    """After a revocation the next version must leave the device out."""
    world.revoke(convoked.doctor)
    refused(world, ConflictError, world.revised())


def test_a_closing_time_already_passed_never_moves(world):
    """Once closes_at has passed no version moves it; before, a postponement is accepted."""
    world.post(world.revised(closes_at=world.now + days(20)))
    world.clock.advance(days(20))
    refused(world, InvalidRequestError, world.revised(closes_at=world.now + days(10)))


def test_an_agenda_lists_what_was_deposited_here(convoked, world):
    """An unknown manifest, another dossier, another association, or a withdrawn dossier: refused."""
    made, other = convoked.deposit(), convoked.deposit()
    (line,) = world.items(made)
    for changed in (
        {"manifests": ("0" * 64,)},
        {"manifests": (other.manifest.digest,)},
        {"association": "amicale"},
        {"dossier": other.dossier},
    ):
        items = (line.model_copy(update=changed),)
        refused(world, NotFoundError, world.agenda(items=items))
    refused(world, NotFoundError, world.agenda(sitting=world.new_id(), items=()))
    world.withdraw(convoked.depositor, other)
    refused(world, ConflictError, world.agenda(made, other))
    twice = (line, line.model_copy(update={"rank": 1}))
    refused(world, InvalidRequestError, world.agenda(items=twice))
    convoked.on_agenda(made)


@pytest.mark.parametrize(
    "change",
    [
        lambda shown: shown[1:],
        lambda shown: (*shown, shown[0]),
        lambda shown: (shown[0], *shown[:-1]),
        lambda shown: (*shown[:-1], AgendaOpening(bytes(32), shown[-1].content)),
        lambda shown: (*shown[:-1], AgendaOpening(shown[-1].opening, b"nonsense")),
        lambda shown: (*shown[:-1], AgendaOpening(b"short", shown[-1].content)),
        lambda _shown: (),
    ],
)
def test_an_agenda_comes_with_its_openings(convoked, world, change):
    """One missing, one twice, one changed, or none at all: the agenda is refused and leaves nothing."""
    signed = world.agenda(convoked.deposit())
    world.openings[signed.digest] = change(world.openings[signed.digest])
    refused(world, InvalidRequestError, signed)


def test_openings_come_with_agendas_alone(convoked, world):
    """What a sitting is posted with beside itself is refused."""
    agenda, sitting = world.agenda(), world.revised()
    world.openings[sitting.digest] = world.openings[agenda.digest]
    refused(world, InvalidRequestError, sitting)


def test_openings_are_of_one_version(convoked, world):
    """The next version's commitments share nothing with those before, and their openings do not fit."""
    made = convoked.deposit()
    first = world.agenda(made)
    world.post(first)
    second = world.agenda(made)
    assert not set(first.statement.items) & set(second.statement.items)
    world.openings[second.digest] = world.openings[first.digest]
    refused(world, InvalidRequestError, second)


def test_a_sitting_closes_once(convoked, world):
    """A second closing, a new version or agenda after it, and an unknown sitting are refused."""
    unknown = world.by_registrar(
        Closing, sitting=world.new_id(), sitting_sha256=world.sitting_digest()
    )
    refused(world, NotFoundError, unknown)
    foreign = world.by_registrar(Closing, sitting=world.sitting_id, sitting_sha256="0" * 64)
    refused(world, NotFoundError, foreign)
    world.post(world.closing())
    refused(world, ConflictError, world.closing())
    refused(world, InvalidRequestError, world.revised())
    refused(world, ConflictError, world.agenda())
