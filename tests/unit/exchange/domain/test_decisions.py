"""The decision table of a reading: everything right is permitted, each single wrong is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from exchange.domain.dossiers import AgendaItem, CommittedDeposit
from exchange.domain.ids import (
    CertificateId,
    DepositId,
    DossierReference,
    MandateId,
    ManifestId,
    OrganisationCode,
    PersonId,
    SeatCode,
    SittingId,
)
from exchange.domain.mandates import Approval, Mandate, Roster
from exchange.domain.policy import (
    AccessFacts,
    CertificateHeld,
    Permit,
    Purpose,
    Refuse,
    Role,
    decide,
)
from exchange.domain.refusals import MESSAGES, RefusalReason
from exchange.domain.seats import Capacity, Seat, SeatKind
from exchange.domain.sittings import SeatTaken, Sitting, Stage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PREFET, ALTAIR = SeatCode("prefet"), SeatCode("altair")
ME, DEVICE = PersonId("p"), CertificateId("c")
TERM = (date(2026, 1, 1), date(2027, 1, 1))

SEATS = (
    Seat(PREFET, SeatKind.EX_OFFICIO, alternates=True, organisation=None, voting=True),
    Seat(
        ALTAIR,
        SeatKind.ASSOCIATION,
        alternates=True,
        organisation=OrganisationCode("altair"),
        voting=True,
    ),
)
ROSTER = Roster(
    seats=SEATS,
    mandates=(Mandate(MandateId("m"), PREFET, ME, Capacity.TITULAR, *TERM),),
    approvals=(Approval(OrganisationCode("altair"), *TERM),),
)
SITTING = Sitting(
    sitting=SittingId("s"),
    stage=Stage.CONVOKED,
    zone="Europe/Paris",
    deposit_by=NOW - 2 * HOUR,
    opens_at=NOW - HOUR,
    closes_at=NOW + HOUR,
    urgency=False,
    seats=(SeatTaken(PREFET, ME, Capacity.TITULAR, frozenset({DEVICE})),),
)
CERTIFICATE = CertificateHeld(
    DEVICE,
    ME,
    OrganisationCode("prefecture"),
    frozenset({Role.MEMBER}),
    NOW - HOUR,
    NOW + HOUR,
    revoked=False,
)
DEPOSIT = CommittedDeposit(
    DepositId("d"),
    ManifestId("f"),
    SittingId("s"),
    DossierReference("k7qf2-m3xta"),
    OrganisationCode("altair"),
    None,
    withdrawn=False,
    key_destroyed=False,
)
ITEM = AgendaItem(OrganisationCode("altair"), DEPOSIT.dossier, frozenset({DEPOSIT.manifest}))
RIGHT = AccessFacts(
    now=NOW,
    purpose=Purpose.READ,
    certificate=CERTIFICATE,
    roster=ROSTER,
    sitting=SITTING,
    agenda=(ITEM,),
    deposit=DEPOSIT,
    undertakings=frozenset({MandateId("m")}),
    declared=True,
    sealed=True,
)
R = RefusalReason


def test_everything_right_is_permitted() -> None:
    """A sitting member with every condition met is permitted, under their mandate."""
    assert decide(RIGHT) == Permit(MandateId("m"))


def test_nothing_known_is_refused() -> None:
    """Facts without anything in them permit nothing, for either purpose."""
    for purpose in Purpose:
        assert isinstance(decide(AccessFacts(now=NOW, purpose=purpose)), Refuse)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"certificate": None}, R.CERTIFICATE_UNKNOWN),
        ({"certificate": replace(CERTIFICATE, revoked=True)}, R.CERTIFICATE_REVOKED),
        ({"certificate": replace(CERTIFICATE, not_before=NOW + HOUR)}, R.CERTIFICATE_NOT_YET_VALID),
        ({"certificate": replace(CERTIFICATE, not_after=NOW)}, R.CERTIFICATE_EXPIRED),
        ({"certificate": replace(CERTIFICATE, roles=frozenset({Role.DEPOSITOR}))}, R.ROLE_MISSING),
        ({"sitting": None}, R.SITTING_UNKNOWN),
        ({"sitting": replace(SITTING, stage=Stage.PLANNED)}, R.SITTING_NOT_CONVOKED),
        ({"sitting": replace(SITTING, seats=())}, R.NOT_SEATED),
        (
            {
                "sitting": replace(
                    SITTING, seats=(replace(SITTING.seats[0], certificates=frozenset()),)
                )
            },
            R.CERTIFICATE_NOT_LISTED,
        ),
        ({"roster": None}, R.SEAT_UNKNOWN),
        ({"roster": replace(ROSTER, seats=())}, R.SEAT_UNKNOWN),
        (
            {"roster": replace(ROSTER, seats=(replace(SEATS[0], kind=SeatKind.GUEST),))},
            R.GUEST_SEAT,
        ),
        ({"roster": replace(ROSTER, mandates=())}, R.MANDATE_INVALID),
        (
            {
                "roster": replace(
                    ROSTER, mandates=(replace(ROSTER.mandates[0], capacity=Capacity.ALTERNATE),)
                )
            },
            R.CAPACITY_MISMATCH,
        ),
        ({"sitting": replace(SITTING, opens_at=NOW + HOUR / 2)}, R.BEFORE_OPENING),
        ({"sitting": replace(SITTING, closes_at=NOW)}, R.SITTING_CLOSED),
        ({"closed": True}, R.SITTING_CLOSED),
        ({"deposit": None}, R.DEPOSIT_UNKNOWN),
        ({"deposit": replace(DEPOSIT, sitting=SittingId("other"))}, R.DEPOSIT_UNKNOWN),
        (
            {"certificate": replace(CERTIFICATE, organisation=OrganisationCode("altair"))},
            R.STRUCTURALLY_RECUSED,
        ),
        ({"recused": True}, R.RECUSED),
        ({"deposit": replace(DEPOSIT, audience=frozenset({ALTAIR}))}, R.NOT_IN_AUDIENCE),
        ({"deposit": replace(DEPOSIT, withdrawn=True)}, R.WITHDRAWN),
        ({"deposit": replace(DEPOSIT, key_destroyed=True)}, R.KEY_DESTROYED),
        ({"agenda": ()}, R.NOT_ON_AGENDA),
        ({"undertakings": frozenset()}, R.UNDERTAKING_MISSING),
        ({"declared": False}, R.DECLARATION_MISSING),
        ({"sealed": False}, R.ENVELOPE_MISSING),
    ],
)
def test_one_thing_wrong_is_refused(wrong: dict[str, object], reason: RefusalReason) -> None:
    """Each condition alone refuses, and the refusal names it."""
    assert decide(replace(RIGHT, **wrong)) == Refuse(reason)


def test_a_recused_person_learns_nothing_else() -> None:
    """To a recused member the answer is the same whatever became of the dossier."""
    for change in ({"withdrawn": True}, {"key_destroyed": True}):
        facts = replace(RIGHT, recused=True, deposit=replace(DEPOSIT, **change), agenda=())
        assert decide(facts) == Refuse(RefusalReason.RECUSED)


def test_every_reason_has_its_sentence() -> None:
    """Each refusal can be said to a person."""
    assert set(MESSAGES) == set(RefusalReason)
