"""The decision table: what is permitted, and for each rule the one fact that breaks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from exchange.domain.ids import (
    CertificateId,
    DossierReference,
    MandateId,
    ManifestId,
    OrganisationCode,
    PersonId,
    SeatCode,
    SittingId,
)
from exchange.domain.policy import AccessFacts, Permit, Purpose, Refuse, Role, decide
from exchange.domain.refusals import MESSAGES, RefusalReason
from exchange.domain.seats import Capacity, SeatKind
from exchange.domain.sittings import Stage
from tests.support.policy_facts import (
    ALTAIR,
    CDOM,
    CLOSES,
    MANDATE,
    NOON,
    OPENS,
    SEAT,
    SECOND,
    deposit,
    granting,
    held,
    item,
    mandate,
    reading,
    roster,
    seat,
    sitting,
    taken,
    worker,
)

R = RefusalReason
OTHER = PersonId("other")

READ_REFUSALS = [
    (R.CERTIFICATE_UNKNOWN, reading(certificate=None)),
    (R.CERTIFICATE_REVOKED, reading(certificate=held(revoked=True))),
    (R.CERTIFICATE_NOT_YET_VALID, reading(certificate=held(not_before=NOON + SECOND))),
    (R.CERTIFICATE_EXPIRED, reading(certificate=held(not_after=NOON))),
    (R.ROLE_MISSING, reading(certificate=held(roles=frozenset({Role.DEPOSITOR})))),
    (R.ROLE_MISSING, reading(certificate=held(roles=frozenset()))),
    (R.SITTING_UNKNOWN, reading(sitting=None)),
    (R.SITTING_UNKNOWN, reading(sitting=sitting(zone="Lune/Tranquillité"))),
    (R.SITTING_NOT_CONVOKED, reading(sitting=sitting(stage=Stage.PLANNED))),
    (R.NOT_SEATED, reading(sitting=sitting(seats=()))),
    (R.NOT_SEATED, reading(sitting=sitting(seats=(taken(person=OTHER),)))),
    (R.CERTIFICATE_NOT_LISTED, reading(sitting=sitting(seats=(taken(certificates=frozenset()),)))),
    (
        R.CERTIFICATE_NOT_LISTED,
        reading(sitting=sitting(seats=(taken(certificates=frozenset({CertificateId("f" * 64)})),))),
    ),
    (R.SEAT_UNKNOWN, reading(roster=None)),
    (R.SEAT_UNKNOWN, reading(roster=roster(seats=()))),
    (R.GUEST_SEAT, reading(roster=roster(seats=(seat(kind=SeatKind.GUEST),)))),
    (R.MANDATE_INVALID, reading(roster=roster(mandates=()))),
    (R.MANDATE_INVALID, reading(roster=roster(mandates=(mandate(person=OTHER),)))),
    (R.MANDATE_INVALID, reading(roster=roster(mandates=(mandate(seat=SeatCode("maires")),)))),
    (R.MANDATE_INVALID, reading(roster=roster(mandates=(mandate(to_day=date(2026, 11, 19)),)))),
    (R.MANDATE_INVALID, reading(roster=roster(mandates=(mandate(from_day=date(2026, 11, 21)),)))),
    (
        R.CAPACITY_MISMATCH,
        reading(roster=roster(mandates=(mandate(capacity=Capacity.ALTERNATE),))),
    ),
    (
        R.ALTERNATE_NOT_ALLOWED,
        reading(
            roster=roster(
                seats=(seat(alternates=False),),
                mandates=(mandate(capacity=Capacity.ALTERNATE),),
            ),
            sitting=sitting(seats=(taken(capacity=Capacity.ALTERNATE),)),
        ),
    ),
    (R.BEFORE_OPENING, reading(now=OPENS - SECOND)),
    (R.SITTING_CLOSED, reading(now=CLOSES)),
    (R.SITTING_CLOSED, reading(closed=True)),
    (R.DEPOSIT_UNKNOWN, reading(deposit=None)),
    (R.DEPOSIT_UNKNOWN, reading(deposit=deposit(sitting=SittingId("another")))),
    (R.STRUCTURALLY_RECUSED, reading(roster=roster(seats=(seat(organisation=ALTAIR),)))),
    (R.STRUCTURALLY_RECUSED, reading(certificate=held(organisation=ALTAIR))),
    (R.RECUSED, reading(recused=True)),
    (R.NOT_IN_AUDIENCE, reading(deposit=deposit(audience=frozenset({SeatCode("maires")})))),
    (R.NOT_IN_AUDIENCE, reading(deposit=deposit(audience=frozenset()))),
    (R.WITHDRAWN, reading(deposit=deposit(withdrawn=True))),
    (R.KEY_DESTROYED, reading(deposit=deposit(key_destroyed=True))),
    (R.NOT_ON_AGENDA, reading(agenda=())),
    (R.NOT_ON_AGENDA, reading(agenda=(item(manifests=frozenset({ManifestId("f" * 64)})),))),
    (R.NOT_ON_AGENDA, reading(agenda=(item(association=OrganisationCode("amicale")),))),
    (R.NOT_ON_AGENDA, reading(agenda=(item(dossier=DossierReference("aaaaa-aaaaa")),))),
    (R.UNDERTAKING_MISSING, reading(undertakings=frozenset())),
    (R.UNDERTAKING_MISSING, reading(undertakings=frozenset({MandateId("another")}))),
    (R.DECLARATION_MISSING, reading(declared=False)),
    (R.ENVELOPE_MISSING, reading(sealed=False)),
]

GRANT_REFUSALS = [
    (R.CERTIFICATE_UNKNOWN, granting(certificate=None)),
    (R.CERTIFICATE_REVOKED, granting(certificate=worker(revoked=True))),
    (R.ROLE_MISSING, granting(certificate=worker(roles=frozenset({Role.MEMBER})))),
    (R.SITTING_UNKNOWN, granting(sitting=None)),
    (R.DEPOSIT_UNKNOWN, granting(deposit=None)),
    (R.DEPOSIT_UNKNOWN, granting(deposit=deposit(sitting=SittingId("another")))),
    (R.DEPOSIT_UNKNOWN, granting(certificate=worker(organisation=CDOM))),
    (R.APPROVAL_INVALID, granting(roster=None)),
    (R.APPROVAL_INVALID, granting(roster=roster(approvals=()))),
    (R.SITTING_CLOSED, granting(now=CLOSES)),
    (R.SITTING_CLOSED, granting(closed=True)),
    (R.WITHDRAWN, granting(deposit=deposit(withdrawn=True))),
    (R.KEY_DESTROYED, granting(deposit=deposit(key_destroyed=True))),
    (R.ENVELOPE_MISSING, granting(sealed=False)),
]


def test_a_sitting_member_reads():
    """All facts in order: permitted, under the mandate that the seat is held by."""
    assert decide(reading()) == Permit(MANDATE)


def test_a_depositor_makes_another_envelope():
    """All facts in order: permitted, before the sitting is even convoked."""
    assert decide(granting()) == Permit()


@pytest.mark.parametrize(("reason", "facts"), READ_REFUSALS)
def test_one_broken_fact_refuses_reading(reason, facts):
    """Each rule on reading refuses by itself, with its own reason."""
    assert decide(facts) == Refuse(reason)


@pytest.mark.parametrize(("reason", "facts"), GRANT_REFUSALS)
def test_one_broken_fact_refuses_granting(reason, facts):
    """Each rule on granting refuses by itself, with its own reason."""
    assert decide(facts) == Refuse(reason)


@pytest.mark.parametrize("purpose", Purpose)
def test_nothing_known_refuses(purpose):
    """Without any fact the answer is no: there is no default that permits."""
    assert decide(AccessFacts(now=NOON, purpose=purpose)) == Refuse(R.CERTIFICATE_UNKNOWN)


def test_a_purpose_that_has_no_rule_refuses():
    """A purpose that some later version knows is refused by this one."""
    assert decide(reading(purpose="print")) == Refuse(R.NOTHING_KNOWN)


def test_every_reason_is_tried():
    """The tables above leave no reason of the policy untried, and each reason has its sentence."""
    tried = {reason for reason, _ in (*READ_REFUSALS, *GRANT_REFUSALS)}
    elsewhere = {R.NOTHING_KNOWN, R.REQUEST_SPENT, R.BROKER_REFUSED}
    assert tried | elsewhere == set(R)
    assert set(MESSAGES) == set(R)
    assert len(set(MESSAGES.values())) == len(MESSAGES)


def test_the_window_holds_its_first_instant_and_not_its_last():
    """opens_at ≤ now < closes_at."""
    assert isinstance(decide(reading(now=OPENS)), Permit)
    assert isinstance(decide(reading(now=CLOSES - SECOND)), Permit)


def test_mandates_are_judged_on_the_local_opening_day():
    """At 23:30 in Paris it is still the mandate's last day; in Tokyo the next day has begun."""
    late = sitting(opens_at=OPENS.replace(hour=22, minute=30))
    last = roster(mandates=(mandate(to_day=date(2026, 11, 20)),))
    first = roster(mandates=(mandate(from_day=date(2026, 11, 21)),))
    assert isinstance(decide(reading(sitting=late, roster=last)), Permit)
    assert decide(reading(sitting=late, roster=first)) == Refuse(R.MANDATE_INVALID)
    east = replace(late, zone="Asia/Tokyo")
    assert isinstance(decide(reading(sitting=east, roster=first)), Permit)


def test_an_alternate_reads_where_alternates_are_allowed():
    """An alternate listed as alternate, with an alternate's mandate, reads like a titular."""
    facts = reading(
        roster=roster(mandates=(mandate(capacity=Capacity.ALTERNATE),)),
        sitting=sitting(seats=(taken(capacity=Capacity.ALTERNATE),)),
    )
    assert isinstance(decide(facts), Permit)


def test_an_audience_lets_its_seats_read():
    """A piece kept for one seat is read by that seat."""
    assert isinstance(decide(reading(deposit=deposit(audience=frozenset({SEAT})))), Permit)


CARD = deposit(is_card=True)


def test_a_conflict_card_is_read_before_the_declaration():
    """The one rule that is not asked of a card is the declaration that it is there for."""
    assert isinstance(decide(reading(deposit=CARD, declared=False)), Permit)
    assert decide(reading(declared=False)) == Refuse(R.DECLARATION_MISSING)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        (R.RECUSED, {"recused": True}),
        (R.STRUCTURALLY_RECUSED, {"certificate": held(organisation=ALTAIR)}),
        (R.UNDERTAKING_MISSING, {"undertakings": frozenset()}),
        (R.NOT_ON_AGENDA, {"agenda": ()}),
        (R.WITHDRAWN, {"deposit": replace(CARD, withdrawn=True)}),
        (R.KEY_DESTROYED, {"deposit": replace(CARD, key_destroyed=True)}),
        (R.BEFORE_OPENING, {"now": OPENS - timedelta(seconds=1)}),
        (R.SITTING_CLOSED, {"closed": True}),
        (R.ENVELOPE_MISSING, {"sealed": False}),
    ],
)
def test_every_other_rule_is_asked_of_a_conflict_card(reason, change):
    """Whom it concerns is no business of the recused, nor of anybody outside the sitting."""
    facts = {"deposit": CARD, "declared": False, **change}
    assert decide(reading(**facts)) == Refuse(reason)


@pytest.mark.parametrize(
    "change",
    [
        {"agenda": ()},
        {"deposit": deposit(withdrawn=True)},
        {"deposit": deposit(key_destroyed=True)},
        {"deposit": deposit(audience=frozenset())},
        {"declared": False, "undertakings": frozenset()},
        {"sealed": False},
    ],
)
@pytest.mark.parametrize(
    ("reason", "recusal"),
    [
        (R.RECUSED, {"recused": True}),
        (R.STRUCTURALLY_RECUSED, {"certificate": held(organisation=ALTAIR)}),
    ],
)
def test_a_recused_person_learns_nothing_of_the_dossier(reason, recusal, change):
    """To who is recused the answer is the same whatever became of the dossier."""
    assert decide(reading(**recusal, **change)) == Refuse(reason)


@pytest.mark.parametrize("change", [{"deposit": None}, {"agenda": ()}, {"recused": True}])
def test_an_outsider_learns_nothing_of_any_deposit(change):
    """Who does not sit gets one answer, whether the deposit exists or not."""
    outside = reading(sitting=sitting(seats=()), **change)
    assert decide(outside) == Refuse(R.NOT_SEATED)


def test_another_associations_deposit_does_not_exist():
    """A depositor cannot tell a deposit of another association from none at all."""
    theirs = deposit(association=OrganisationCode("amicale"), withdrawn=True)
    assert decide(granting(deposit=theirs)) == decide(granting(deposit=None))


def test_a_lapsed_approval_ends_grants_on_its_day():
    """The approval's last day is good, the day after is not."""
    last = granting().now.date()
    for to_day, permitted in ((last, True), (last - timedelta(days=1), False)):
        approval = replace(roster().approvals[0], to_day=to_day)
        verdict = decide(granting(roster=roster(approvals=(approval,))))
        assert isinstance(verdict, Permit) is permitted
