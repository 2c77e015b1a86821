"""However the acts of a commission follow one another, ``decide`` never permits what is forbidden.

A machine plays registrar, member, depositor, broker and clock in any order, and keeps its own simple
book of what happened. After each act it asks for the release and compares.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exchange.domain.ids import CertificateId, OrganisationCode, PersonId, SeatCode
from exchange.domain.policy import AccessFacts, Permit, Purpose, decide
from exchange.domain.seats import Capacity, SeatKind
from exchange.domain.sittings import Stage
from tests.support import policy_facts as made

OTHER = CertificateId("a" * 64)


class Commission(RuleBasedStateMachine):
    """The doctor asks for one deposit; everybody else may do anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        nothing = AccessFacts(now=made.OPENS - timedelta(days=30), purpose=Purpose.READ)
        self.facts = replace(nothing, roster=made.roster(mandates=()), deposit=None)
        self.recused = self.revoked = self.withdrawn = self.closed = False
        self.undertook = self.declared = self.is_card = False
        self.permitted_once = False

    # --- the registrar ----------------------------------------------------------------------

    @rule(days=st.integers(-200, 200))
    def certifies(self, days: int) -> None:
        if not self.revoked:
            start = made.OPENS + timedelta(days=days)
            end = start + timedelta(days=60)
            self.facts = replace(self.facts, certificate=made.held(not_before=start, not_after=end))

    @rule()
    def certifies_for_the_usual_time(self) -> None:
        if not self.revoked:
            self.facts = replace(self.facts, certificate=made.held())

    @rule()
    def revokes(self) -> None:
        if self.facts.certificate is not None:
            self.revoked = True
            self.facts = replace(
                self.facts, certificate=replace(self.facts.certificate, revoked=True)
            )

    @rule(
        kind=st.sampled_from(SeatKind),
        alternates=st.booleans(),
        organisation=st.sampled_from([None, made.ALTAIR, made.CDOM]),
        capacity=st.sampled_from(Capacity),
        present=st.booleans(),
    )
    def names(
        self,
        kind: SeatKind,
        alternates: bool,
        organisation: OrganisationCode | None,
        capacity: Capacity,
        present: bool,
    ) -> None:
        seat = made.seat(kind=kind, alternates=alternates, organisation=organisation)
        mandates = (made.mandate(capacity=capacity),) if present else ()
        self.facts = replace(self.facts, roster=made.roster(seats=(seat,), mandates=mandates))

    @rule()
    def names_as_usual(self) -> None:
        self.facts = replace(self.facts, roster=made.roster())

    @rule(
        stage=st.sampled_from(Stage),
        seated=st.booleans(),
        listed=st.booleans(),
        capacity=st.sampled_from(Capacity),
    )
    def publishes(self, stage: Stage, seated: bool, listed: bool, capacity: Capacity) -> None:
        devices = frozenset({made.DEVICE if listed else OTHER})
        taken = made.taken(capacity=capacity, certificates=devices)
        if not seated:
            taken = replace(taken, person=PersonId("somebody-else"))
        self.facts = replace(self.facts, sitting=made.sitting(stage=stage, seats=(taken,)))

    @rule()
    def convokes(self) -> None:
        self.facts = replace(self.facts, sitting=made.sitting())

    @rule(listed=st.booleans())
    def lists(self, listed: bool) -> None:
        self.facts = replace(self.facts, agenda=(made.item(),) if listed else ())

    @rule()
    def closes(self) -> None:
        self.closed = True
        self.facts = replace(self.facts, closed=True)

    # --- the others -------------------------------------------------------------------------

    @rule(only=st.sampled_from([None, made.SEAT, SeatCode("prefet")]), is_card=st.booleans())
    def deposits(self, only: SeatCode | None, is_card: bool) -> None:
        if not self.withdrawn:
            audience = frozenset({only}) if only else None
            self.is_card = is_card
            deposit = made.deposit(audience=audience, is_card=is_card)
            self.facts = replace(self.facts, deposit=deposit)

    @rule(sealed=st.booleans())
    def seals(self, sealed: bool) -> None:
        self.facts = replace(self.facts, sealed=sealed)

    @rule()
    def withdraws(self) -> None:
        if self.facts.deposit is not None:
            self.withdrawn = True
            self.facts = replace(self.facts, deposit=replace(self.facts.deposit, withdrawn=True))

    @rule()
    def destroys(self) -> None:
        if self.facts.deposit is not None and (self.withdrawn or self.closed):
            self.facts = replace(
                self.facts, deposit=replace(self.facts.deposit, key_destroyed=True)
            )

    @rule()
    def undertakes(self) -> None:
        self.undertook = True
        self.facts = replace(self.facts, undertakings=frozenset({made.MANDATE}))

    @rule()
    def declares(self) -> None:
        self.declared = True
        self.facts = replace(self.facts, declared=True)

    @rule()
    def recuses(self) -> None:
        self.recused = True
        self.facts = replace(self.facts, recused=True)

    @rule(hours=st.integers(1, 24 * 12))
    def time_passes(self, hours: int) -> None:
        self.facts = replace(self.facts, now=self.facts.now + timedelta(hours=hours))

    @rule()
    def the_sitting_comes(self) -> None:
        self.facts = replace(self.facts, now=max(self.facts.now, made.NOON))

    @rule()
    def everybody_does_their_part(self) -> None:
        """The way of most sittings: without it a permit would be too rare to test anything."""
        self.certifies_for_the_usual_time()
        self.names_as_usual()
        self.deposits(None, is_card=False)
        self.seals(sealed=True)
        self.lists(listed=True)
        self.convokes()
        self.undertakes()
        self.declares()

    # --- what may never be ------------------------------------------------------------------

    @invariant()
    def nothing_forbidden_is_permitted(self) -> None:
        facts = self.facts
        if not isinstance(decide(facts), Permit):
            return
        certificate, sitting, deposit = facts.certificate, facts.sitting, facts.deposit
        assert certificate is not None
        assert sitting is not None
        assert deposit is not None
        assert facts.roster is not None
        assert not self.revoked
        assert certificate.not_before <= facts.now < certificate.not_after
        assert sitting.stage is Stage.CONVOKED
        assert sitting.opens_at <= facts.now < sitting.closes_at
        assert not self.closed
        [taken] = [each for each in sitting.seats if each.person == certificate.person]
        assert certificate.certificate in taken.certificates
        [seat] = facts.roster.seats
        assert seat.kind is not SeatKind.GUEST
        assert seat.alternates or taken.capacity is Capacity.TITULAR
        assert [each.capacity for each in facts.roster.mandates] == [taken.capacity]
        assert seat.organisation != deposit.association != certificate.organisation
        assert not self.recused
        assert not self.withdrawn
        assert not deposit.key_destroyed
        assert deposit.audience is None or taken.seat in deposit.audience
        assert facts.agenda
        assert self.undertook
        assert self.declared or self.is_card
        assert facts.sealed

    @invariant()
    def a_recused_person_learns_nothing_of_the_dossier(self) -> None:
        """To the recused, withdrawal, agenda, audience and envelope change nothing in the answer."""
        if not self.recused or self.facts.deposit is None:
            return
        answer = decide(self.facts)
        deposit = self.facts.deposit
        for other in (
            replace(self.facts, agenda=(), sealed=False),
            replace(self.facts, deposit=replace(deposit, withdrawn=True, key_destroyed=True)),
            replace(self.facts, deposit=replace(deposit, audience=frozenset({made.SEAT}))),
        ):
            assert decide(other) == answer


Commission.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


class TestCommission(Commission.TestCase):  # type: ignore[misc,name-defined]
    """No sequence of acts leads to a release that the rules forbid."""


def test_the_machine_reaches_a_permit() -> None:
    """The usual way ends in a permit: the invariants above are not about nothing."""
    machine = Commission()
    machine.everybody_does_their_part()
    machine.the_sitting_comes()
    assert isinstance(decide(machine.facts), Permit)
    machine.nothing_forbidden_is_permitted()
    machine.recuses()
    assert not isinstance(decide(machine.facts), Permit)
    machine.a_recused_person_learns_nothing_of_the_dossier()
