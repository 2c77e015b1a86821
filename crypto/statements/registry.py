"""Statements about who is who, who sits, and when: the registry that everybody checks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field, model_validator

from crypto.statements.fields import (
    MAX_ITEMS,
    Bytes32,
    Code,
    Day,
    DigestField,
    Instant,
    Label,
    OpaqueId,
    Reason,
    RecipientField,
    Rna,
    Text,
    VerifyKeyField,
    Version,
)
from crypto.statements.model import Statement, Strict

DECOY_STEP: Final = 64
"""An agenda holds a multiple of this many commitments, more than the dossiers of the busiest sitting
known (about 60): the number says the same of nearly every sitting, for three kilobytes."""

MAX_AGENDA_COMMITMENTS: Final = 16 * DECOY_STEP
"""About a thousand dossiers, as for every other list."""


class Role(StrEnum):
    """What a certificate lets its holder do; a seat and a mandate are needed besides."""

    DEPOSITOR = "depositor"
    MEMBER = "member"
    AUDITOR = "auditor"
    DECIDER = "decider"


RoleField = Annotated[Role, Field(strict=False)]
Roles = Annotated[tuple[RoleField, ...], Field(strict=False, min_length=1, max_length=4)]


class SeatKind(StrEnum):
    """How a seat is filled (CASF R121-12-7; replacement rules CRPA R133-3)."""

    EX_OFFICIO = "ex-officio"
    DESIGNATED = "designated"
    ELECTED = "elected"
    ASSOCIATION = "association"
    GUEST = "guest"


class Capacity(StrEnum):
    """In which capacity a person holds or takes a seat."""

    TITULAR = "titular"
    ALTERNATE = "alternate"


class Stage(StrEnum):
    """How far a sitting has been announced; only a convoked sitting opens anything."""

    PLANNED = "planned"
    CONVOKED = "convoked"


class RegistrarKey(Strict):
    """A registrar's operational key and the end of its validity (12 months at most)."""

    key: VerifyKeyField
    not_after: Instant


class TrustPolicy(Statement):
    """What the root says: which keys count, for which log. Signed by a threshold of root keys."""

    TYPE: ClassVar[str] = "trust-policy"
    version: Version
    expires_at: Instant
    origin: Label
    log_keys: Annotated[tuple[Label, ...], Field(strict=False, min_length=1, max_length=16)]
    broker_keys: Annotated[
        tuple[VerifyKeyField, ...], Field(strict=False, min_length=1, max_length=16)
    ]
    registrar_keys: Annotated[tuple[RegistrarKey, ...], Field(strict=False, max_length=64)]
    witness_policy: Text
    roots: Annotated[tuple[VerifyKeyField, ...], Field(strict=False, min_length=1, max_length=16)]
    threshold: Version


class Invitation(Statement):
    """The registrar invites one person, for some roles, until a date."""

    TYPE: ClassVar[str] = "invitation"
    person: OpaqueId
    name: Label
    organisation: Code
    roles: Roles
    expires_at: Instant
    trust_sha256: DigestField
    checkpoint: Text | None


class Enrolment(Statement):
    """A person's device presents its two public keys, signed by the key that it presents."""

    TYPE: ClassVar[str] = "enrolment"
    invitation: DigestField
    device: Label
    recipient: RecipientField
    signing_key: VerifyKeyField


class Certificate(Statement):
    """The registrar certifies an enrolled device, after the fingerprints were compared."""

    TYPE: ClassVar[str] = "certificate"
    enrolment: DigestField
    person: OpaqueId
    name: Label
    organisation: Code
    roles: Roles
    recipient: RecipientField
    signing_key: VerifyKeyField
    not_before: Instant
    not_after: Instant


class Revocation(Statement):
    """A certificate ends now: new acts by it and releases to it are refused from here on."""

    TYPE: ClassVar[str] = "revocation"
    certificate: DigestField
    reason: Reason


class RosterSeat(Strict):
    """An institution's place; ``organisation`` ties an association's seat to its dossiers."""

    seat: Code
    kind: Annotated[SeatKind, Field(strict=False)]
    label: Label
    voting: bool
    alternates: bool
    organisation: Code | None
    basis: Label | None
    """The text that gives the seat: ``CASF R121-12-7, 9°``."""


class RosterMandate(Strict):
    """A person holds a seat from a day to a day, both included."""

    mandate: OpaqueId
    seat: Code
    person: OpaqueId
    capacity: Annotated[Capacity, Field(strict=False)]
    from_day: Day
    to_day: Day
    decree: Label | None
    """The number of the préfet's order that names the person."""


class RosterApproval(Strict):
    """An association's approval (CASF R121-12-3: three years, renewable)."""

    organisation: Code
    label: Label
    rna: Rna
    from_day: Day
    to_day: Day
    decree: Label | None
    """The number of the préfet's order that approves it."""


class Roster(Statement):
    """The commission's seats, mandates and approved associations. Chain id: ``commission``."""

    TYPE: ClassVar[str] = "roster"
    version: Version
    previous: DigestField | None
    seats: Annotated[tuple[RosterSeat, ...], Field(strict=False, max_length=MAX_ITEMS)]
    mandates: Annotated[tuple[RosterMandate, ...], Field(strict=False, max_length=MAX_ITEMS)]
    approvals: Annotated[tuple[RosterApproval, ...], Field(strict=False, max_length=MAX_ITEMS)]


class SittingSeat(Strict):
    """Who takes a seat at this sitting, and which of their devices may read.

    Without certificates the person has no key yet: deposits go on, and those who deposited grant
    later. ``label`` and ``name`` are those of the day: a later roster does not rewrite them.
    """

    seat: Code
    label: Label
    name: Label | None
    person: OpaqueId
    capacity: Annotated[Capacity, Field(strict=False)]
    certificates: Annotated[tuple[DigestField, ...], Field(strict=False, max_length=16)]


class Sitting(Statement):
    """One meeting of the restricted formation. Chain id: ``sitting``."""

    TYPE: ClassVar[str] = "sitting"
    sitting: OpaqueId
    version: Version
    previous: DigestField | None
    roster: DigestField
    stage: Annotated[Stage, Field(strict=False)]
    zone: Label
    deposit_by: Instant
    opens_at: Instant
    closes_at: Instant
    urgency: Reason | None
    second_convocation: bool
    """Called anew with the same agenda because the quorum failed: none is needed (CRPA R133-10)."""
    seats: Annotated[tuple[SittingSeat, ...], Field(strict=False, max_length=MAX_ITEMS)]


class Agenda(Statement):
    """The dossiers of a sitting, as commitments alone (``crypto.statements.agenda``). Chain id:
    ``sitting``. Their number is a multiple of ``DECOY_STEP`` and their order that of their bytes:
    neither says how many dossiers there are, nor whose.
    """

    TYPE: ClassVar[str] = "agenda"
    sitting: OpaqueId
    version: Version
    previous: DigestField | None
    items: Annotated[
        tuple[Bytes32, ...],
        Field(strict=False, min_length=DECOY_STEP, max_length=MAX_AGENDA_COMMITMENTS),
    ]

    @model_validator(mode="after")
    def _says_nothing(self) -> Agenda:
        if len(self.items) % DECOY_STEP or list(self.items) != sorted(set(self.items)):
            raise ValueError("commitments are filled up, sorted and distinct")
        return self


class Closing(Statement):
    """The registrar closes a sitting: its release keys are destroyed and nothing opens again."""

    TYPE: ClassVar[str] = "closing"
    sitting: OpaqueId
    sitting_sha256: DigestField
