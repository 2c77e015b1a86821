"""Proxies and attendance at a sitting, as the statements in an index say."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.statements.agenda import AgendaItem
from crypto.statements.presence import Attendance, Proxy
from crypto.statements.registry import Roster, Sitting
from exchange.domain.ids import OrganisationCode, PersonId, SeatCode
from exchange.domain.proxies import Proxies
from exchange.domain.quorum import Quorum, quorum_of
from exchange.domain.sittings import SeatTaken, is_structurally_recused
from exchange.usecases.authority import find_certificate
from exchange.usecases.facts import (
    latest_roster,
    latest_sitting,
    person_of,
    recusal_of,
    roster_in_force,
    sitting_in_force,
)
from exchange.usecases.ledger import Accepted, StatementIndex


@dataclass(frozen=True)
class DossierQuorum:
    """The count for one dossier of the agenda."""

    dossier: str
    association: str
    quorum: Quorum
    recused: frozenset[SeatCode]


def proxies_of(index: StatementIndex, sitting: str) -> Proxies:
    """The mandates in force, between the seats of the sitting's latest version."""
    latest = latest_sitting(index, sitting)
    if latest is None:
        return {}
    taken = {each.person: SeatCode(each.seat) for each in latest.statement.seats}
    given: dict[SeatCode, SeatCode] = {}
    for each in index.find(Proxy, sitting=sitting):
        person = person_of(index, each.statement)
        giver = taken.get(person) if person else None
        if giver is None:
            continue  # replaced since: the alternate gives a mandate of their own
        given.pop(giver, None)
        if each.statement.holder is not None:
            given[giver] = SeatCode(each.statement.holder)
    return {giver: holder for giver, holder in given.items() if holder in taken.values()}


def attendance_of(index: StatementIndex, sitting: str) -> Accepted[Attendance] | None:
    """The latest record of who takes part."""
    found = index.find(Attendance, sitting=sitting)
    return found[-1] if found else None


def quorum_by_dossier(
    index: StatementIndex, sitting: Accepted[Sitting], items: tuple[AgendaItem, ...]
) -> tuple[DossierQuorum, ...]:
    """The count for each dossier of the agenda, by the attendance recorded (nobody without one)."""
    roster = latest_roster(index)
    attended = attendance_of(index, sitting.statement.sitting)
    there = {SeatCode(each.seat) for each in attended.statement.seats} if attended else set()
    proxies = proxies_of(index, sitting.statement.sitting)
    voting = _voting(sitting.statement, roster.statement if roster else None)
    found = []
    for item in items:
        recused = _recused(index, sitting.statement, item)
        count = quorum_of(
            voting,
            there,
            proxies,
            recused,
            second_convocation=sitting.statement.second_convocation,
        )
        found.append(DossierQuorum(item.dossier, item.association, count, recused))
    return tuple(found)


def _voting(sitting: Sitting, roster: Roster | None) -> frozenset[SeatCode]:
    seats = roster.seats if roster else ()
    with_voice = {seat.seat for seat in seats if seat.voting}
    return frozenset(SeatCode(each.seat) for each in sitting.seats if each.seat in with_voice)


def _recused(index: StatementIndex, sitting: Sitting, item: AgendaItem) -> frozenset[SeatCode]:
    return frozenset(
        taken.seat
        for taken in sitting_in_force(sitting).seats
        if recusal_of(index, sitting.sitting, item.dossier, taken.person)
        or _is_of(index, taken, item.association)
    )


def _is_of(index: StatementIndex, taken: SeatTaken, association: str) -> bool:
    """Whether the seat, or its person by any of their certificates, is the association's."""
    roster = latest_roster(index)
    seat = roster_in_force(roster.statement).seat(taken.seat) if roster else None
    held = [find_certificate(index, digest) for digest in taken.certificates]  # type: ignore[arg-type]
    organisations = {each.statement.organisation for each in held if each} or {""}
    return any(
        is_structurally_recused(seat, OrganisationCode(own), OrganisationCode(association))
        for own in organisations
    )


def seat_of_person(sitting: Sitting, person: str) -> SeatCode | None:
    """The seat that a person takes."""
    taken = sitting_in_force(sitting).taken_by(PersonId(person))
    return taken.seat if taken else None
