"""A board's dates: what is to come within the quarter, nearest first, and nothing that is settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from exchange.domain.deadlines import (
    HORIZON,
    Deadline,
    DeadlineKind,
    EndOfDay,
    due,
    of_roster,
    of_sitting,
)
from exchange.domain.ids import MandateId
from exchange.domain.mandates import Approval
from exchange.domain.sittings import CONVOCATION_DAYS, Stage
from tests.support.policy_facts import ALTAIR, CLOSES, mandate, roster, sitting

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_horizon_and_the_order() -> None:
    """The past and what lies beyond the quarter are left out; the present moment is in."""
    moments = (timedelta(0), HORIZON, timedelta(days=3), -timedelta(seconds=1), HORIZON * 2)
    found = due([Deadline(DeadlineKind.CLOSING, NOW + each, "x") for each in moments], NOW)
    assert [each.at - NOW for each in found] == [timedelta(0), timedelta(days=3), HORIZON]


def test_a_planned_sitting_is_to_be_convoked() -> None:
    """Five days before the meeting at the latest; once convoked, that is settled."""
    planned = of_sitting(replace(sitting(), stage=Stage.PLANNED))
    (call,) = (each for each in planned if each.kind is DeadlineKind.CONVOKE)
    assert call.at == CLOSES - timedelta(days=CONVOCATION_DAYS)
    assert DeadlineKind.CONVOKE not in {each.kind for each in of_sitting(sitting())}


def test_what_is_followed_does_not_fall_due() -> None:
    """A mandate or approval with a successor is no deadline; the last one is."""
    first = mandate(to_day=date(2026, 6, 30))
    second = replace(
        first, mandate=MandateId("next"), from_day=date(2026, 7, 1), to_day=date(2026, 8, 1)
    )
    approvals = (
        Approval(ALTAIR, date(2026, 1, 1), date(2026, 6, 30)),
        Approval(ALTAIR, date(2026, 7, 1), date(2026, 8, 2)),
    )
    found = of_roster(
        roster(mandates=(first, second), approvals=approvals), EndOfDay("Europe/Paris")
    )
    assert {(each.kind, each.at.date()) for each in found} == {
        (DeadlineKind.MANDATE_ENDS, date(2026, 8, 1)),
        (DeadlineKind.APPROVAL_ENDS, date(2026, 8, 2)),
    }


def test_the_end_of_a_day() -> None:
    """The last second of the local day, also on the day when the clocks change."""
    end = EndOfDay("Europe/Paris")
    assert end(date(2026, 7, 1)).astimezone(UTC) == datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC)
    assert end(date(2026, 10, 25)).astimezone(UTC) == datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)
