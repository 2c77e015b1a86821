"""Facts under which a release is permitted; each test breaks one of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

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
from exchange.domain.policy import AccessFacts, CertificateHeld, Purpose, Role
from exchange.domain.seats import Capacity, Seat, SeatKind
from exchange.domain.sittings import SeatTaken, Sitting, Stage

OPENS = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CLOSES = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

DOCTOR, DEVICE = PersonId("doctor"), CertificateId("c" * 64)
WORKER, DESK = PersonId("worker"), CertificateId("d" * 64)
ALTAIR, CDOM = OrganisationCode("altair"), OrganisationCode("cdom")
SEAT, MANDATE = SeatCode("cdom"), MandateId("mandate")
SITTING, DEPOSIT = SittingId("sitting"), DepositId("deposit")
DOSSIER, MANIFEST = DossierReference("k7qf2-m3xta"), ManifestId("e" * 64)


def held(**changes: object) -> CertificateHeld:
    """The doctor's certificate."""
    certificate = CertificateHeld(
        certificate=DEVICE,
        person=DOCTOR,
        organisation=CDOM,
        roles=frozenset({Role.MEMBER}),
        not_before=OPENS - timedelta(days=100),
        not_after=OPENS + timedelta(days=100),
        revoked=False,
    )
    return replace(certificate, **changes)


def worker(**changes: object) -> CertificateHeld:
    """A depositor's certificate."""
    certificate = held(
        certificate=DESK, person=WORKER, organisation=ALTAIR, roles=frozenset({Role.DEPOSITOR})
    )
    return replace(certificate, **changes)


def seat(**changes: object) -> Seat:
    """The doctor's seat."""
    return replace(Seat(SEAT, SeatKind.DESIGNATED, alternates=True), **changes)


def mandate(**changes: object) -> Mandate:
    """The doctor's mandate."""
    made = Mandate(MANDATE, SEAT, DOCTOR, Capacity.TITULAR, date(2026, 1, 1), date(2028, 12, 31))
    return replace(made, **changes)


def roster(**changes: object) -> Roster:
    """One seat, one mandate, one approval."""
    approval = Approval(ALTAIR, date(2026, 1, 1), date(2028, 12, 31))
    return replace(Roster((seat(),), (mandate(),), (approval,)), **changes)


def taken(**changes: object) -> SeatTaken:
    """The doctor takes the seat with one device."""
    return replace(SeatTaken(SEAT, DOCTOR, Capacity.TITULAR, frozenset({DEVICE})), **changes)


def sitting(**changes: object) -> Sitting:
    """A convoked sitting, its window open at NOON."""
    made = Sitting(
        sitting=SITTING,
        stage=Stage.CONVOKED,
        zone="Europe/Paris",
        deposit_by=OPENS - timedelta(days=2),
        opens_at=OPENS,
        closes_at=CLOSES,
        urgency=False,
        seats=(taken(),),
    )
    return replace(made, **changes)


def deposit(**changes: object) -> CommittedDeposit:
    """A deposit of altair for the sitting."""
    made = CommittedDeposit(
        deposit=DEPOSIT,
        manifest=MANIFEST,
        sitting=SITTING,
        dossier=DOSSIER,
        association=ALTAIR,
        audience=None,
        withdrawn=False,
        key_destroyed=False,
    )
    return replace(made, **changes)


def item(**changes: object) -> AgendaItem:
    """The dossier's line on the agenda."""
    return replace(AgendaItem(ALTAIR, DOSSIER, frozenset({MANIFEST})), **changes)


def reading(**changes: object) -> AccessFacts:
    """Facts under which the doctor may read."""
    made = AccessFacts(
        now=NOON,
        purpose=Purpose.READ,
        certificate=held(),
        roster=roster(),
        sitting=sitting(),
        closed=False,
        agenda=(item(),),
        deposit=deposit(),
        undertakings=frozenset({MANDATE}),
        declared=True,
        recused=False,
        sealed=True,
    )
    return replace(made, **changes)


def granting(**changes: object) -> AccessFacts:
    """Facts under which a case worker may make another envelope, before anything is convoked."""
    made = AccessFacts(
        now=OPENS - timedelta(days=5),
        purpose=Purpose.GRANT,
        certificate=worker(),
        roster=roster(),
        sitting=sitting(stage=Stage.PLANNED, seats=()),
        deposit=deposit(),
        sealed=True,
    )
    return replace(made, **changes)
