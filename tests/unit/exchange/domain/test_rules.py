"""The rules on rosters, sittings, convocation and agendas."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange.domain.dossiers import check_agenda
from exchange.domain.errors import RuleError
from exchange.domain.ids import (
    DossierReference,
    MandateId,
    ManifestId,
    OrganisationCode,
    PersonId,
    SeatCode,
)
from exchange.domain.mandates import Approval, check_roster
from exchange.domain.seats import Capacity, SeatKind
from exchange.domain.sittings import (
    CONVOCATION_DAYS,
    Stage,
    check_convocation,
    check_revision,
    check_sitting,
)
from tests.support.policy_facts import (
    ALTAIR,
    CLOSES,
    OPENS,
    item,
    mandate,
    roster,
    seat,
    sitting,
    taken,
)

APPROVED = Approval(ALTAIR, date(2026, 1, 1), date(2028, 12, 31))
APPROVED_AGAIN = Approval(ALTAIR, date(2028, 12, 31), date(2031, 12, 30))
SECOND_TITULAR = mandate(mandate=MandateId("other"), person=PersonId("other"))


def test_a_lawful_roster_passes():
    """Two titulars one after the other, and an alternate beside them, are in order."""
    mandates = (
        mandate(to_day=date(2026, 12, 31)),
        replace(SECOND_TITULAR, from_day=date(2027, 1, 1)),
        mandate(mandate=MandateId("third"), person=PersonId("deputy"), capacity=Capacity.ALTERNATE),
    )
    check_roster(roster(mandates=mandates))


@pytest.mark.parametrize(
    ("words", "broken"),
    [
        ("figure deux fois", roster(seats=(seat(), seat()))),
        ("figure deux fois", roster(mandates=(mandate(), mandate(capacity=Capacity.ALTERNATE)))),
        ("ne nomme pas son association", roster(seats=(seat(kind=SeatKind.ASSOCIATION),))),
        ("siège inconnu", roster(mandates=(mandate(seat=SeatCode("maires")),))),
        ("finit avant de commencer", roster(mandates=(mandate(to_day=date(2025, 1, 1)),))),
        *(
            (
                "a deux mandats le même jour",
                roster(mandates=(one, mandate(mandate=MandateId("again"), capacity=capacity))),
            )
            for one in (mandate(), mandate(capacity=Capacity.ALTERNATE))
            for capacity in Capacity
        ),
        ("a deux agréments le même jour", roster(approvals=(APPROVED, APPROVED_AGAIN))),
        (
            "n'admet pas de suppléant",
            roster(
                seats=(seat(alternates=False),), mandates=(mandate(capacity=Capacity.ALTERNATE),)
            ),
        ),
        (
            "n'admet pas de suppléant",
            roster(
                seats=(seat(kind=SeatKind.GUEST),),
                mandates=(mandate(capacity=Capacity.ALTERNATE),),
            ),
        ),
        ("deux titulaires", roster(mandates=(mandate(), SECOND_TITULAR))),
        (
            "finit avant de commencer",
            roster(approvals=(Approval(ALTAIR, date(2027, 1, 1), date(2026, 1, 1)),)),
        ),
    ],
)
def test_an_unlawful_roster_is_refused(words, broken):
    """Each rule on rosters refuses, and says which seat or mandate is wrong."""
    with pytest.raises(RuleError, match=words):
        check_roster(broken)


def test_titulars_may_not_share_a_day():
    """The last day of one titular and the first of the next must differ."""
    mandates = (
        mandate(to_day=date(2027, 1, 1)),
        replace(SECOND_TITULAR, from_day=date(2027, 1, 1)),
    )
    with pytest.raises(RuleError, match="deux titulaires"):
        check_roster(roster(mandates=mandates))


def test_a_lawful_sitting_passes():
    """A seat of law, its mandate valid, its dates in order."""
    check_sitting(sitting(), roster())


@pytest.mark.parametrize(
    ("words", "broken", "under"),
    [
        ("dates de la séance", sitting(closes_at=OPENS), roster()),
        ("dates de la séance", sitting(deposit_by=OPENS + timedelta(days=1)), roster()),
        ("fuseau horaire", sitting(zone="Mars/Olympus"), roster()),
        ("fuseau horaire", sitting(zone="../../etc/passwd"), roster()),
        ("figure deux fois", sitting(seats=(taken(), taken(person=PersonId("other")))), roster()),
        ("deux sièges", sitting(seats=(taken(), taken(seat=SeatCode("maires")))), roster()),
        ("siège inconnu", sitting(), roster(seats=(), mandates=())),
        ("invité", sitting(), roster(seats=(seat(kind=SeatKind.GUEST),))),
        (
            "n'admet pas de suppléant",
            sitting(seats=(taken(capacity=Capacity.ALTERNATE),)),
            roster(seats=(seat(alternates=False),)),
        ),
        ("pas de mandat", sitting(seats=(taken(capacity=Capacity.ALTERNATE),)), roster()),
        ("pas de mandat", sitting(), roster(mandates=(mandate(to_day=date(2026, 11, 19)),))),
        ("pas de mandat", sitting(seats=(taken(person=PersonId("other")),)), roster()),
    ],
)
def test_an_unlawful_sitting_is_refused(words, broken, under):
    """Each rule on sittings refuses by itself."""
    with pytest.raises(RuleError, match=words):
        check_sitting(broken, under)


def test_members_are_called_five_days_before():
    """CRPA R133-8: five days are enough, four are not, and declared urgency frees from it."""
    enough = CLOSES - timedelta(days=CONVOCATION_DAYS)
    late = CLOSES - timedelta(days=CONVOCATION_DAYS - 1)
    check_convocation(sitting(), enough)
    with pytest.raises(RuleError, match="R133-8"):
        check_convocation(sitting(), late)
    check_convocation(sitting(urgency=True), late)
    check_convocation(sitting(stage=Stage.PLANNED), late)


def test_a_convoked_sitting_is_never_planned_again():
    """A convocation is not taken back by a later version."""
    with pytest.raises(RuleError, match="ne redevient pas"):
        check_revision(sitting(), sitting(stage=Stage.PLANNED), OPENS)


def test_a_closing_time_already_passed_never_moves():
    """Not even by a second, not even forward; and none is set into the past."""
    later = sitting(closes_at=CLOSES + timedelta(days=1))
    check_revision(sitting(), later, CLOSES - timedelta(seconds=1))
    with pytest.raises(RuleError, match="ne se déplace pas"):
        check_revision(sitting(), later, CLOSES)
    with pytest.raises(RuleError, match="dans le passé"):
        check_revision(sitting(), sitting(closes_at=OPENS), OPENS)
    check_revision(sitting(), sitting(), CLOSES + timedelta(days=1))


@pytest.mark.parametrize(
    ("words", "items"),
    [
        ("figure deux fois", (item(), item(manifests=frozenset({ManifestId("1" * 64)})))),
        ("figure deux fois", (item(), item(dossier=DossierReference("aaaaa-aaaaa")))),
        (
            "groupés",
            tuple(
                item(
                    association=OrganisationCode(association),
                    dossier=DossierReference(f"aaaaa-aaaa{n}"),
                    manifests=frozenset({ManifestId(str(n) * 64)}),
                )
                for n, association in enumerate(("altair", "amicale", "altair"), start=2)
            ),
        ),
    ],
)
def test_an_unlawful_agenda_is_refused(words, items):
    """No dossier twice, no deposit twice, dossiers grouped by association."""
    with pytest.raises(RuleError, match=words):
        check_agenda(items)
