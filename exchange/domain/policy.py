"""The one decision on every release: may this certificate get this deposit, now, for this purpose?

The service, the broker and the auditor's replay all call :func:`decide` with facts that they
derive, each for itself, from signed statements. It is total: it never raises, it knows no default
that permits, and each refusal names one rule.

The order of the rules is part of the promise. What is asked about a dossier comes after what is
asked about the person, and recusals come before every other rule on the dossier: to a recused
person the answer is the same whether the dossier is on the agenda, withdrawn, or completed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from exchange.domain.dossiers import AgendaItem, CommittedDeposit, is_on_agenda
from exchange.domain.errors import RuleError
from exchange.domain.ids import CertificateId, MandateId, OrganisationCode, PersonId
from exchange.domain.mandates import Mandate, Roster
from exchange.domain.refusals import RefusalReason
from exchange.domain.seats import Seat
from exchange.domain.sittings import SeatTaken, Sitting, Stage, is_structurally_recused

T = TypeVar("T")


class Role(StrEnum):
    """What a certificate lets its holder do. The values are those of the certificate statement."""

    DEPOSITOR = "depositor"
    MEMBER = "member"
    AUDITOR = "auditor"
    DECIDER = "decider"


class Purpose(StrEnum):
    """Why an envelope is asked for. The values are those of the access request."""

    READ = "read"
    GRANT = "grant"


@dataclass(frozen=True)
class CertificateHeld:
    """The certificate that signed the request."""

    certificate: CertificateId
    person: PersonId
    organisation: OrganisationCode
    roles: frozenset[Role]
    not_before: datetime
    not_after: datetime
    revoked: bool


@dataclass(frozen=True)
class AccessFacts:
    """All that the decision depends on. What is unknown is None, empty or False: it refuses."""

    now: datetime
    purpose: Purpose
    certificate: CertificateHeld | None = None
    roster: Roster | None = None
    """The latest version."""
    sitting: Sitting | None = None
    """The latest version."""
    closed: bool = False
    agenda: tuple[AgendaItem, ...] = ()
    """The latest version's items."""
    deposit: CommittedDeposit | None = None
    undertakings: frozenset[MandateId] = frozenset()
    """Mandates for which this person signed the undertaking of confidentiality."""
    declared: bool = False
    """This person declared no conflict in this dossier at this sitting."""
    recused: bool = False
    """This person stepped aside from this dossier at this sitting."""
    sealed: bool = False
    """An envelope exists for this certificate and purpose, in the manifest or a grant."""


@dataclass(frozen=True)
class Permit:
    """The release is allowed; under ``mandate`` when the purpose is to read."""

    mandate: MandateId | None = None


@dataclass(frozen=True)
class Refuse:
    """The release is refused, by the first rule that it breaks."""

    reason: RefusalReason


class _Refused(Exception):
    """Carries the reason out of a rule; never leaves this module."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason)
        self.reason = reason


def decide(facts: AccessFacts) -> Permit | Refuse:
    """Permit or refuse; total, pure, the same everywhere."""
    rule = _RULES.get(facts.purpose)
    if rule is None:
        return Refuse(RefusalReason.NOTHING_KNOWN)
    try:
        return rule(facts)
    except _Refused as refused:
        return Refuse(refused.reason)
    except RuleError:  # an unknown time zone: no day on which a mandate could be valid
        return Refuse(RefusalReason.SITTING_UNKNOWN)


def _decide_read(facts: AccessFacts) -> Permit:
    certificate = _certificate(facts, Role.MEMBER)
    sitting = _known(facts.sitting, RefusalReason.SITTING_UNKNOWN)
    _require(sitting.stage is Stage.CONVOKED, RefusalReason.SITTING_NOT_CONVOKED)
    taken = _taken(sitting, certificate)
    seat, mandate = _mandate(facts, sitting, taken)
    _require(sitting.opens_at <= facts.now, RefusalReason.BEFORE_OPENING)
    _require_open(facts, sitting)
    deposit = _deposit(facts, sitting)
    _require(
        not is_structurally_recused(seat, certificate.organisation, deposit.association),
        RefusalReason.STRUCTURALLY_RECUSED,
    )
    _require(not facts.recused, RefusalReason.RECUSED)
    _require(deposit.is_for(taken.seat), RefusalReason.NOT_IN_AUDIENCE)
    _require_alive(deposit)
    _require(is_on_agenda(facts.agenda, deposit), RefusalReason.NOT_ON_AGENDA)
    _require(mandate.mandate in facts.undertakings, RefusalReason.UNDERTAKING_MISSING)
    # The card is what a member declares upon: it comes before the declaration, and after all else.
    _require(deposit.is_card or facts.declared, RefusalReason.DECLARATION_MISSING)
    _require(facts.sealed, RefusalReason.ENVELOPE_MISSING)
    return Permit(mandate.mandate)


def _decide_grant(facts: AccessFacts) -> Permit:
    certificate = _certificate(facts, Role.DEPOSITOR)
    sitting = _known(facts.sitting, RefusalReason.SITTING_UNKNOWN)
    deposit = _deposit(facts, sitting)
    # Another association's deposit does not exist for this one: same answer as for no deposit.
    _require(deposit.association == certificate.organisation, RefusalReason.DEPOSIT_UNKNOWN)
    roster = _known(facts.roster, RefusalReason.APPROVAL_INVALID)
    approved = roster.approved(deposit.association, sitting.day_of(facts.now))
    _require(approved, RefusalReason.APPROVAL_INVALID)
    _require_open(facts, sitting)
    _require_alive(deposit)
    _require(facts.sealed, RefusalReason.ENVELOPE_MISSING)
    return Permit()


_RULES: Final[dict[Purpose, Callable[[AccessFacts], Permit]]] = {
    Purpose.READ: _decide_read,
    Purpose.GRANT: _decide_grant,
}


def _certificate(facts: AccessFacts, role: Role) -> CertificateHeld:
    held = _known(facts.certificate, RefusalReason.CERTIFICATE_UNKNOWN)
    _require(not held.revoked, RefusalReason.CERTIFICATE_REVOKED)
    _require(held.not_before <= facts.now, RefusalReason.CERTIFICATE_NOT_YET_VALID)
    _require(facts.now < held.not_after, RefusalReason.CERTIFICATE_EXPIRED)
    _require(role in held.roles, RefusalReason.ROLE_MISSING)
    return held


def _taken(sitting: Sitting, certificate: CertificateHeld) -> SeatTaken:
    taken = _known(sitting.taken_by(certificate.person), RefusalReason.NOT_SEATED)
    listed = certificate.certificate in taken.certificates
    _require(listed, RefusalReason.CERTIFICATE_NOT_LISTED)
    return taken


def _mandate(facts: AccessFacts, sitting: Sitting, taken: SeatTaken) -> tuple[Seat, Mandate]:
    roster = _known(facts.roster, RefusalReason.SEAT_UNKNOWN)
    seat = _known(roster.seat(taken.seat), RefusalReason.SEAT_UNKNOWN)
    _require(seat.of_law, RefusalReason.GUEST_SEAT)
    mandates = roster.mandates_of(taken.seat, taken.person, sitting.opening_day)
    _require(bool(mandates), RefusalReason.MANDATE_INVALID)
    fitting = [each for each in mandates if each.capacity is taken.capacity]
    _require(bool(fitting), RefusalReason.CAPACITY_MISMATCH)
    _require(seat.admits(taken.capacity), RefusalReason.ALTERNATE_NOT_ALLOWED)
    return seat, fitting[0]


def _require_open(facts: AccessFacts, sitting: Sitting) -> None:
    open_now = not facts.closed and facts.now < sitting.closes_at
    _require(open_now, RefusalReason.SITTING_CLOSED)


def _deposit(facts: AccessFacts, sitting: Sitting) -> CommittedDeposit:
    deposit = _known(facts.deposit, RefusalReason.DEPOSIT_UNKNOWN)
    # A deposit of another sitting gives the same answer as none, so that nothing is learnt of it.
    _require(deposit.sitting == sitting.sitting, RefusalReason.DEPOSIT_UNKNOWN)
    return deposit


def _require_alive(deposit: CommittedDeposit) -> None:
    _require(not deposit.withdrawn, RefusalReason.WITHDRAWN)
    _require(not deposit.key_destroyed, RefusalReason.KEY_DESTROYED)


def _known(value: T | None, reason: RefusalReason) -> T:
    if value is None:
        raise _Refused(reason)
    return value


def _require(holds: bool, reason: RefusalReason) -> None:
    if not holds:
        raise _Refused(reason)
