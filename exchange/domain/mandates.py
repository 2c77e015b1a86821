"""Mandates and approvals: who may sit for whom, from which day to which (both included)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from exchange.domain.errors import RuleError
from exchange.domain.ids import MandateId, OrganisationCode, PersonId, SeatCode
from exchange.domain.seats import Capacity, Seat, SeatKind


@dataclass(frozen=True)
class Mandate:
    """A person holds a seat for a time. Whoever replaces a member who left in the course of a mandate
    holds it for what remains (CRPA R133-4): the days are the préfet's order's to set.
    """

    mandate: MandateId
    seat: SeatCode
    person: PersonId
    capacity: Capacity
    from_day: date
    to_day: date

    def covers(self, day: date) -> bool:
        """Both days are included: a mandate to the 31st is good on the 31st."""
        return self.from_day <= day <= self.to_day


@dataclass(frozen=True)
class Approval:
    """The préfet's approval of an association (CASF R121-12-3: three years, renewable)."""

    organisation: OrganisationCode
    from_day: date
    to_day: date

    def covers(self, day: date) -> bool:
        """Both days are included."""
        return self.from_day <= day <= self.to_day


@dataclass(frozen=True)
class Roster:
    """Seats, mandates and approvals in force."""

    seats: tuple[Seat, ...]
    mandates: tuple[Mandate, ...]
    approvals: tuple[Approval, ...]

    def seat(self, code: SeatCode) -> Seat | None:
        """The seat of that code."""
        return next((seat for seat in self.seats if seat.code == code), None)

    def mandates_of(self, seat: SeatCode, person: PersonId, day: date) -> tuple[Mandate, ...]:
        """The person's mandates at that seat that cover the day."""
        return tuple(
            each
            for each in self.mandates
            if each.seat == seat and each.person == person and each.covers(day)
        )

    def approved(self, organisation: OrganisationCode, day: date) -> bool:
        """Whether an approval of the association covers the day."""
        return any(
            each.organisation == organisation and each.covers(day) for each in self.approvals
        )


def check_roster(roster: Roster) -> None:
    """Raise RuleError for the first rule that the roster breaks."""
    _check_unique((seat.code for seat in roster.seats), "Le siège « {code} » figure deux fois.")
    _check_unique(
        (each.mandate for each in roster.mandates), "Le mandat « {code} » figure deux fois."
    )
    for seat in roster.seats:
        if seat.kind is SeatKind.ASSOCIATION and seat.organisation is None:
            raise RuleError(
                "Le siège d'association « {code} » ne nomme pas son association : sans elle, le "
                "déport de ses propres dossiers ne peut pas être appliqué.",
                code=seat.code,
            )
    for mandate in roster.mandates:
        _check_mandate(roster, mandate)
    for approval in roster.approvals:
        _check_approval(roster, approval)


def _check_approval(roster: Roster, approval: Approval) -> None:
    code = approval.organisation
    if approval.to_day < approval.from_day:
        raise RuleError("L'agrément de « {code} » finit avant de commencer.", code=code)
    if any(
        other.organisation == code and _share_a_day(approval, other)
        for other in roster.approvals
        if other is not approval
    ):
        raise RuleError("« {code} » a deux agréments le même jour.", code=code)


def _check_mandate(roster: Roster, mandate: Mandate) -> None:
    seat = roster.seat(mandate.seat)
    if seat is None:
        raise RuleError("Le mandat cite un siège inconnu : « {code} ».", code=mandate.seat)
    if mandate.to_day < mandate.from_day:
        raise RuleError("Un mandat du siège « {code} » finit avant de commencer.", code=seat.code)
    if not seat.admits(mandate.capacity):
        raise RuleError(
            "Le siège « {code} » n'admet pas de suppléant (CRPA, article R133-3).", code=seat.code
        )
    beside = [
        other
        for other in roster.mandates
        if other is not mandate and other.seat == mandate.seat and _share_a_day(mandate, other)
    ]
    if any(other.person == mandate.person for other in beside):
        raise RuleError(
            "Au siège « {code} », une même personne a deux mandats le même jour.", code=seat.code
        )
    if mandate.capacity is Capacity.TITULAR and any(
        other.capacity is Capacity.TITULAR for other in beside
    ):
        raise RuleError("Le siège « {code} » a deux titulaires le même jour.", code=seat.code)


def _share_a_day(one: Mandate | Approval, other: Mandate | Approval) -> bool:
    return other.from_day <= one.to_day and one.from_day <= other.to_day


def _check_unique(codes: Iterable[str], message: str) -> None:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise RuleError(message, code=code)
        seen.add(code)
