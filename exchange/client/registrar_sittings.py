"""The registrar's acts on sittings: who sits and when, the agenda, the closing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crypto.encoding import new_opaque_id
from crypto.statements.agenda import AgendaItem, AgendaPlace, commit_items
from crypto.statements.custody import Cause
from crypto.statements.exchange import ComplementRequest, Manifest
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Role,
    Roster,
    RosterMandate,
    RosterSeat,
    SeatKind,
    Sitting,
    SittingSeat,
    Stage,
)
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError
from exchange.client.registry import (
    all_deposits_of,
    certificates_with,
    deposits_of,
    roster_of,
    seat_of,
    sitting_of,
)
from exchange.client.withdraw import Ended, check_destruction
from exchange.usecases.agendas import listed
from exchange.usecases.facts import latest_agenda, latest_sitting
from exchange.usecases.ledger import Accepted


@dataclass(frozen=True)
class SittingChanges:
    """What to set; None keeps the last version's value. ``seats`` maps a seat to a person's id."""

    sitting: str | None = None
    zone: str | None = None
    deposit_by: datetime | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    urgency: str | None = None
    convoke: bool = False
    second_convocation: bool = False
    seats: Mapping[str, str] | None = None


def publish_sitting(desk: Desk, changes: SittingChanges) -> Accepted[Sitting]:
    """Publish a new sitting, or the next version of one; done when the broker confirms it."""
    for kind in (Roster, Certificate, Revocation):
        desk.load(kind)
    last = _last(desk, changes.sitting)
    before = last.statement if last else None
    roster = roster_of(desk.view.ledger)
    opens_at = _due(changes.opens_at, before.opens_at if before else None, "--opens")
    zone = changes.zone or (before.zone if before else "Europe/Paris")
    seats = _seats(desk, roster.statement, _local_day(opens_at, zone), changes.seats, before)
    convoked = changes.convoke or (before is not None and before.stage is Stage.CONVOKED)
    unverified = desk.draft(
        Sitting,
        sitting=before.sitting if before else new_opaque_id(desk.machine.entropy),
        version=before.version + 1 if before else 1,
        previous=last.digest if last else None,
        roster=roster.digest,
        stage=Stage.CONVOKED if convoked else Stage.PLANNED,
        zone=zone,
        deposit_by=_due(changes.deposit_by, before.deposit_by if before else None, "--deposit-by"),
        opens_at=opens_at,
        closes_at=_due(changes.closes_at, before.closes_at if before else None, "--closes"),
        urgency=changes.urgency or (before.urgency if before else None),
        second_convocation=changes.second_convocation
        or (before is not None and before.second_convocation),
        seats=seats,
    )
    accepted, _none = desk.submit_and_confirm(unverified)
    return accepted


def _last(desk: Desk, sitting: str | None) -> Accepted[Sitting] | None:
    if sitting is None:
        return None
    desk.load_sitting(sitting)
    found = latest_sitting(desk.view.ledger, sitting)
    if found is None:
        raise NotPossibleError(
            "La séance « {sitting} » n'existe pas : « dossier sittings » montre les séances connues.",
            sitting=sitting,
        )
    return found


def _due(new: datetime | None, old: datetime | None, option: str) -> datetime:
    value = new or old
    if value is None:
        raise NotPossibleError("Une nouvelle séance demande l'option {option}.", option=option)
    return value


def _local_day(moment: datetime, zone: str) -> str:
    try:
        return moment.astimezone(ZoneInfo(zone)).date().isoformat()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise NotPossibleError("Le fuseau horaire « {zone} » est inconnu.", zone=zone) from error


def _seats(
    desk: Desk,
    roster: Roster,
    day: str,
    chosen: Mapping[str, str] | None,
    before: Sitting | None,
) -> tuple[SittingSeat, ...]:
    """One person a seat: those named, those of the last version, else the titulars of that day.

    Their devices are those certified now: each version takes up the keys that came since.
    """
    named = {seat.seat: seat.person for seat in before.seats} if before else {}
    if not named:
        named = {
            mandate.seat: mandate.person
            for mandate in reversed(roster.mandates)
            if mandate.capacity.value == "titular" and _valid(mandate, day)
        }
    named |= chosen or {}
    seats = []
    for seat, person in sorted(named.items(), key=lambda pair: _rank(roster, pair[0])):
        found = seat_of(roster, seat)
        if found is None:
            raise NotPossibleError("Le siège « {seat} » n'est pas dans la composition.", seat=seat)
        if found.kind is SeatKind.GUEST:
            if seat in (chosen or {}):
                raise NotPossibleError(
                    "« {seat} » est un siège d'invité : il ne siège pas en formation restreinte.",
                    seat=seat,
                )
            continue
        seats.append(_taken(desk, roster, day, found, person))
    return tuple(seats)


def _taken(desk: Desk, roster: Roster, day: str, taken: RosterSeat, person: str) -> SittingSeat:
    """The seat with all usable devices of the person; with none, it waits for grants."""
    seat = taken.seat
    mandate = next(
        (
            each
            for each in roster.mandates
            if each.seat == seat and each.person == person and _valid(each, day)
        ),
        None,
    )
    if mandate is None:
        raise NotPossibleError(
            "La personne « {person} » n'a pas de mandat au siège « {seat} » le jour de l'ouverture : "
            "ajoutez-le avec « dossier registrar seat --mandate ».",
            person=person,
            seat=seat,
        )
    devices = certificates_with(desk.view.ledger, Role.MEMBER, desk.machine.clock(), person=person)
    return SittingSeat(
        seat=seat,
        label=taken.label,
        name=devices[-1].statement.name if devices else None,
        person=person,
        capacity=mandate.capacity,
        certificates=tuple(each.digest for each in devices),
    )


def _valid(mandate: RosterMandate, day: str) -> bool:
    return mandate.from_day.isoformat() <= day <= mandate.to_day.isoformat()


def _rank(roster: Roster, code: str) -> int:
    return next((n for n, seat in enumerate(roster.seats) if seat.seat == code), len(roster.seats))


def request_complement(
    desk: Desk, dossier: str, pieces: Sequence[str], answer_by: datetime
) -> Accepted[ComplementRequest]:
    """Ask for missing pieces of a dossier, by their codes, until a moment."""
    manifests = desk.load(Manifest, dossier=dossier)
    if not manifests:
        raise NotPossibleError("Le dossier « {reference} » n'existe pas.", reference=dossier)
    sitting = manifests[0].statement.sitting
    drafted = desk.draft(
        ComplementRequest,
        sitting=sitting,
        dossier=dossier,
        pieces=tuple(pieces),
        answer_by=answer_by,
    )
    return desk.submit(drafted)[0]


@dataclass(frozen=True)
class Listed:
    """A published agenda, and the urgent dossiers that it leaves out."""

    agenda: Accepted[Agenda]
    left_out: tuple[str, ...]


def publish_agenda(desk: Desk, sitting: str, urgent: Sequence[str] = ()) -> Listed:
    """Publish the agenda of all committed, not withdrawn dossiers, grouped by association.

    A dossier that was deposited as urgent goes on it only if ``urgent`` names it, or it was on it.
    """
    desk.load(Roster)
    desk.load_sitting(sitting)
    index = desk.view.ledger
    sitting_of(index, sitting)
    last = latest_agenda(index, sitting)
    late = _late(desk, sitting)
    unknown = set(urgent) - late
    if unknown:
        raise NotPossibleError(
            "Le dossier « {reference} » n'a pas été déposé en urgence à cette séance.",
            reference=min(unknown),
        )
    before = {item.dossier for item in listed(index, last)} if last else set()
    left_out = late - set(urgent) - before
    version = last.statement.version + 1 if last else 1
    place = AgendaPlace(desk.view.policy.policy.origin, sitting, version)
    items = _items(desk, sitting, left_out)
    commitments, openings = commit_items(place, items, desk.machine.entropy)
    unverified = desk.draft(
        Agenda,
        sitting=sitting,
        version=version,
        previous=last.digest if last else None,
        items=commitments,
    )
    accepted, _none = desk.submit_and_confirm(unverified, openings)
    desk.view.take_openings(accepted.digest, openings)
    return Listed(accepted, tuple(sorted(left_out)))


def _late(desk: Desk, sitting: str) -> set[str]:
    """The dossiers whose first deposit was urgent."""
    return {
        each.reference
        for each in deposits_of(desk.view.ledger, sitting)
        if not each.withdrawn and not each.complement and each.manifest.statement.urgent
    }


ASSOCIATION_STEP: Final = 2**40
"""How far the ranks of two associations lie apart: no log has as many events."""


def _items(desk: Desk, sitting: str, without: Collection[str]) -> tuple[AgendaItem, ...]:
    """By association, in the order of the roster; within one, by the place of their first deposit in
    the log. Such a rank is made of the dossier alone and tells nothing of the others.
    """
    roster = roster_of(desk.view.ledger).statement
    order: Sequence[str] = [
        *(seat.organisation for seat in roster.seats if seat.organisation),
        *(approval.organisation for approval in roster.approvals),
    ]
    grouped: dict[tuple[str, str], list[Accepted[Manifest]]] = {}
    for each in all_deposits_of(desk.view.ledger, sitting):
        if not each.withdrawn and each.reference not in without:
            grouped.setdefault((each.association, each.reference), []).append(each.manifest)
    # An association that left the roster since its deposit comes after the others.
    unknown = sorted({association for association, _ in grouped} - set(order))
    ranks = {association: n for n, association in enumerate(dict.fromkeys([*order, *unknown]))}
    return tuple(
        AgendaItem(
            association=association,
            dossier=dossier,
            rank=ranks[association] * ASSOCIATION_STEP + manifests[0].order,
            manifests=tuple(each.digest for each in manifests),
        )
        for (association, dossier), manifests in grouped.items()
    )


def close(desk: Desk, sitting: str) -> Ended:
    """Close a sitting: the broker destroys its keys, and nothing opens again."""
    desk.load_sitting(sitting)
    found = sitting_of(desk.view.ledger, sitting)
    unverified = desk.draft(Closing, sitting=sitting, sitting_sha256=found.digest)
    accepted, destruction = desk.submit_and_confirm(unverified)
    return Ended(accepted.digest, check_destruction(desk, destruction, accepted, Cause.CLOSING))
