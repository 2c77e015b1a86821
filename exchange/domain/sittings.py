"""Sittings of the restricted formation: who sits, when packs open, how early members are called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exchange.domain.errors import RuleError
from exchange.domain.ids import CertificateId, OrganisationCode, PersonId, SeatCode, SittingId
from exchange.domain.mandates import Roster
from exchange.domain.seats import Capacity, Seat

CONVOCATION_DAYS: Final = 5
"""Calendar days between convocation and meeting (CRPA R133-8), unless urgency is declared."""


class Stage(StrEnum):
    """How far a sitting has been announced. The values are those of the sitting statement."""

    PLANNED = "planned"
    CONVOKED = "convoked"


@dataclass(frozen=True)
class SeatTaken:
    """A person takes a seat at one sitting, with the devices listed."""

    seat: SeatCode
    person: PersonId
    capacity: Capacity
    certificates: frozenset[CertificateId]


@dataclass(frozen=True)
class Sitting:
    """One version of a sitting. Instants are aware; ``zone`` is an IANA name."""

    sitting: SittingId
    stage: Stage
    zone: str
    deposit_by: datetime
    opens_at: datetime
    closes_at: datetime
    urgency: bool
    seats: tuple[SeatTaken, ...]
    second_convocation: bool = False

    @property
    def opening_day(self) -> date:
        """The local day on which mandates must be valid."""
        return self.day_of(self.opens_at)

    def day_of(self, moment: datetime) -> date:
        """The local day of a moment; raises RuleError for an unknown zone."""
        try:
            return moment.astimezone(ZoneInfo(self.zone)).date()
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise RuleError("Le fuseau horaire « {zone} » est inconnu.", zone=self.zone) from error

    def taken_by(self, person: PersonId) -> SeatTaken | None:
        """The seat that this person takes (one at most)."""
        return next((each for each in self.seats if each.person == person), None)


def is_structurally_recused(
    seat: Seat | None, organisation: OrganisationCode, association: OrganisationCode
) -> bool:
    """Whether a member never sees this association's dossiers.

    Nobody takes part in what they have a personal interest in (CRPA R133-12), and the association that
    prepared a dossier does not deliberate on it: neither from its own seat,
    nor through one of its people who holds another seat (``organisation`` is the certificate's).
    """
    return organisation == association or (seat is not None and seat.organisation == association)


def check_sitting(sitting: Sitting, roster: Roster) -> None:
    """Raise RuleError for the first rule that this version breaks under that roster."""
    day = sitting.opening_day
    if not sitting.deposit_by <= sitting.opens_at < sitting.closes_at:
        raise RuleError(
            "Les dates de la séance ne se suivent pas : limite de dépôt, puis ouverture, puis "
            "clôture."
        )
    seats = [taken.seat for taken in sitting.seats]
    people = [taken.person for taken in sitting.seats]
    if len(set(seats)) != len(seats):
        raise RuleError("Un siège figure deux fois dans la séance.")
    if len(set(people)) != len(people):
        raise RuleError("Une même personne occupe deux sièges de la séance.")
    for taken in sitting.seats:
        _check_taken(taken, roster, day)


def _check_taken(taken: SeatTaken, roster: Roster, day: date) -> None:
    seat = roster.seat(taken.seat)
    if seat is None:
        raise RuleError("La séance cite un siège inconnu : « {code} ».", code=taken.seat)
    if not seat.of_law:
        raise RuleError(
            "Le siège « {code} » est celui d'un invité : il ne siège jamais en formation "
            "restreinte (CRPA, article R133-6).",
            code=taken.seat,
        )
    if not seat.admits(taken.capacity):
        raise RuleError(
            "Le siège « {code} » n'admet pas de suppléant (CRPA, article R133-3).", code=taken.seat
        )
    mandates = roster.mandates_of(taken.seat, taken.person, day)
    if not any(each.capacity is taken.capacity for each in mandates):
        raise RuleError(
            "Au siège « {code} », la personne désignée n'a pas de mandat de cette qualité le "
            "{day:%d/%m/%Y}.",
            code=taken.seat,
            day=day,
        )


def check_convocation(sitting: Sitting, convoked_at: datetime) -> None:
    """Raise RuleError unless members are called in time (CRPA R133-8), or in declared urgency.

    The call goes by any means, e-mail among them, with the agenda; so do the documents (R133-5).

    The meeting is held at the end of the reading window, so its day is that of ``closes_at``.
    """
    if sitting.stage is not Stage.CONVOKED or sitting.urgency:
        return
    notice = sitting.day_of(sitting.closes_at) - sitting.day_of(convoked_at)
    if notice.days < CONVOCATION_DAYS:
        raise RuleError(
            "La convocation part moins de {days} jours avant la séance (CRPA, article R133-8) : "
            "reportez la séance, ou indiquez le motif d'urgence.",
            days=CONVOCATION_DAYS,
        )


def check_revision(previous: Sitting, new: Sitting, now: datetime) -> None:
    """Raise RuleError unless ``new`` may follow ``previous`` at ``now``."""
    if previous.stage is Stage.CONVOKED and new.stage is Stage.PLANNED:
        raise RuleError("Une séance convoquée ne redevient pas une séance prévue.")
    _check_second_convocation(previous, new)
    if new.closes_at != previous.closes_at and (previous.closes_at <= now or new.closes_at <= now):
        raise RuleError(
            "Une clôture déjà passée ne se déplace pas, et une clôture ne se place pas dans le passé."
        )


def _check_second_convocation(previous: Sitting, new: Sitting) -> None:
    """CRPA R133-10: where the quorum failed, members are called again, with the same agenda."""
    if previous.second_convocation and not new.second_convocation:
        raise RuleError("Une seconde convocation ne redevient pas une première.")
    if not new.second_convocation or previous.second_convocation:
        return
    if previous.stage is not Stage.CONVOKED or new.closes_at <= previous.closes_at:
        raise RuleError(
            "Une seconde convocation suit une première, pour une date plus tardive (CRPA, article "
            "R133-10)."
        )
