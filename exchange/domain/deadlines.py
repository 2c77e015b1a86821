"""What a commission has to do and until when. Pure: the caller brings the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from exchange.domain.mandates import Roster
from exchange.domain.sittings import CONVOCATION_DAYS, Sitting, Stage

HORIZON: Final = timedelta(days=90)
"""A board shows a quarter: between two sittings of most commissions."""


class DeadlineKind(StrEnum):
    """What falls due. Neutral words: a board hangs where others see it."""

    DEPOSITS_END = "deposits-end"
    CONVOKE = "convoke"
    OPENING = "opening"
    CLOSING = "closing"
    COMPLEMENT = "complement"
    MANDATE_ENDS = "mandate-ends"
    APPROVAL_ENDS = "approval-ends"
    CERTIFICATE_ENDS = "certificate-ends"
    POLICY_ENDS = "policy-ends"


@dataclass(frozen=True)
class Deadline:
    """``about``: the code of a seat or association, the reference of a dossier, the id of a sitting."""

    kind: DeadlineKind
    at: datetime
    about: str


def of_sitting(sitting: Sitting) -> tuple[Deadline, ...]:
    """The dates of one sitting; the convocation only while it was not sent (CRPA R133-8)."""
    about = str(sitting.sitting)
    found = [
        Deadline(DeadlineKind.DEPOSITS_END, sitting.deposit_by, about),
        Deadline(DeadlineKind.OPENING, sitting.opens_at, about),
        Deadline(DeadlineKind.CLOSING, sitting.closes_at, about),
    ]
    if sitting.stage is Stage.PLANNED:
        last = sitting.closes_at - timedelta(days=CONVOCATION_DAYS)
        found.append(Deadline(DeadlineKind.CONVOKE, last, about))
    return tuple(found)


def of_roster(roster: Roster, end_of: EndOfDay) -> tuple[Deadline, ...]:
    """The ends of mandates and approvals that nothing follows."""
    found = [
        Deadline(DeadlineKind.MANDATE_ENDS, end_of(each.to_day), str(each.seat))
        for each in roster.mandates
        if not any(
            other.seat == each.seat and other.from_day > each.to_day for other in roster.mandates
        )
    ]
    found += [
        Deadline(DeadlineKind.APPROVAL_ENDS, end_of(each.to_day), str(each.organisation))
        for each in roster.approvals
        if not any(
            other.organisation == each.organisation and other.from_day > each.to_day
            for other in roster.approvals
        )
    ]
    return tuple(found)


def due(deadlines: Iterable[Deadline], now: datetime) -> tuple[Deadline, ...]:
    """Those to come within the horizon, the nearest first."""
    wanted = [each for each in deadlines if now <= each.at <= now + HORIZON]
    return tuple(sorted(wanted, key=lambda each: (each.at, each.kind, each.about)))


class EndOfDay:
    """The last moment of a local day."""

    def __init__(self, zone: str) -> None:
        from zoneinfo import ZoneInfo

        self._zone = ZoneInfo(zone)

    def __call__(self, day: date) -> datetime:
        following = datetime(day.year, day.month, day.day, tzinfo=self._zone) + timedelta(days=1)
        return following - timedelta(seconds=1)
