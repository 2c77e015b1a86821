"""Statements about dossiers: depositing, declaring, asking, withdrawing, logging in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from crypto.statements.fields import (
    MAX_ITEMS,
    Bytes16,
    Bytes32,
    Code,
    Count,
    DigestField,
    DossierReference,
    Instant,
    Label,
    OpaqueId,
    Reason,
    RecipientField,
    Text,
)
from crypto.statements.model import Statement, Strict


class Kind(StrEnum):
    """What the person asks for (circular of 31 January 2017, annexes 6 and 7); or the small card by
    which members recognise a conflict of interest before they are given a dossier (CRPA R133-12).
    """

    ENGAGEMENT = "engagement"
    RENEWAL = "renewal"
    CONFLICT_CARD = "conflict-card"


class Purpose(StrEnum):
    """Why an envelope exists, or is asked for."""

    READ = "read"
    GRANT = "grant"


class EnvelopeEntry(Strict):
    """One recipient's envelope in a manifest or grant."""

    certificate: DigestField
    purpose: Annotated[Purpose, Field(strict=False)]
    header_sha256: DigestField
    envelope_sha256: DigestField


Envelopes = Annotated[
    tuple[EnvelopeEntry, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
]
Dossiers = Annotated[
    tuple[DossierReference, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
]


class Manifest(Statement):
    """One deposit: whose, for which sitting, exactly which bytes, sealed for whom."""

    TYPE: ClassVar[str] = "manifest"
    origin: Label
    sitting: OpaqueId
    sitting_sha256: DigestField
    release_key_sha256: DigestField
    dossier: DossierReference
    pathway: OpaqueId
    deposit: OpaqueId
    complement_of: DigestField | None
    """Digest of the manifest that this deposit completes."""
    urgent: bool
    """Deposited as urgent: taken after ``deposit_by``, until the dossiers open. The registrar decides
    whether it goes on the agenda; the reason stays inside the sealed dossier."""
    kind: Annotated[Kind, Field(strict=False)]
    audience: (
        Annotated[tuple[Code, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)] | None
    )
    """Seats that may read; null: every sitting seat that is not recused."""
    length: Count
    sha256: DigestField
    nonce: Bytes16
    commitment: Bytes32
    envelopes: Envelopes


class ComplementRequest(Statement):
    """The secretariat asks for missing pieces of a dossier, by their codes, until a moment.

    A request for missing pieces lists them and sets a term (CRPA L114-5). No free text: the server
    reads it. The latest request on a dossier is the one in force.
    """

    TYPE: ClassVar[str] = "complement-request"
    sitting: OpaqueId
    dossier: DossierReference
    pieces: Annotated[tuple[Code, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)]
    answer_by: Instant


class Grant(Statement):
    """Further envelopes for a deposit, from a depositor of the same association."""

    TYPE: ClassVar[str] = "grant"
    manifest: DigestField
    release_key_sha256: DigestField
    """The release key that these envelopes are sealed to: the manifest's own, or, after a broker was
    lost, the one that its successor made for the same deposit."""
    envelopes: Envelopes
    reason: Reason


class Undertaking(Statement):
    """A member's promise of confidentiality, once a mandate (CP 226-13)."""

    TYPE: ClassVar[str] = "undertaking"
    mandate: OpaqueId
    text_sha256: DigestField


class Declaration(Statement):
    """A member has no conflict of interest in these dossiers of this sitting (CRPA R133-12)."""

    TYPE: ClassVar[str] = "declaration"
    sitting: OpaqueId
    dossiers: Dossiers


class Recusal(Statement):
    """A member steps aside from these dossiers; it ends every access at once (CRPA R133-12)."""

    TYPE: ClassVar[str] = "recusal"
    sitting: OpaqueId
    dossiers: Dossiers


class AccessRequest(Statement):
    """A reader asks for deposits; answers are sealed to ``reply_key``, which is used once."""

    TYPE: ClassVar[str] = "access-request"
    sitting: OpaqueId
    sitting_sha256: DigestField
    deposits: Annotated[
        tuple[OpaqueId, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
    ]
    purpose: Annotated[Purpose, Field(strict=False)]
    nonce: Bytes32
    reply_key: RecipientField
    checkpoint: Text
    """The last checkpoint that the reader accepted; the log must be consistent with it."""


class Withdrawal(Statement):
    """The association withdraws a dossier: its release keys are destroyed."""

    TYPE: ClassVar[str] = "withdrawal"
    dossier: DossierReference
    reason: Reason


class Opinion(Statement):
    """The commission's opinion on a dossier, sealed apart; here only its digest."""

    TYPE: ClassVar[str] = "opinion"
    dossier: DossierReference
    payload_sha256: DigestField


class Decision(Statement):
    """The préfet's decision on a dossier, sealed apart; here only its digest."""

    TYPE: ClassVar[str] = "decision"
    dossier: DossierReference
    payload_sha256: DigestField


class Fault(StrEnum):
    """What was wrong with a header that its depositor signed."""

    NOT_FOR_THIS_KEY = "not-for-this-key"
    ALTERED = "altered"
    OTHER_FILE_KEY = "other-file-key"
    OTHER_CONTENT = "other-content"


class Complaint(Statement):
    """A reader shows that a header signed for them is dead, or opens another dossier.

    The header's digest stands in the depositor's own manifest or grant, so neither server nor
    broker can have made it. ``found`` is the commitment (``crypto.edge.seal.commitment``) of the
    file key that the header gave, with ``other-file-key`` alone. It is one-way: the key itself might
    be another dossier's, and is never published.
    """

    TYPE: ClassVar[str] = "complaint"
    manifest: DigestField
    header_sha256: DigestField
    fault: Annotated[Fault, Field(strict=False)]
    found: Bytes32 | None

    @model_validator(mode="after")
    def _found_belongs_to_one_fault(self) -> Complaint:
        if (self.found is not None) != (self.fault is Fault.OTHER_FILE_KEY):
            raise ValueError("found goes with other-file-key alone")
        return self


class Login(Statement):
    """Proof of holding a key, bound to one service, one challenge and a few minutes."""

    TYPE: ClassVar[str] = "login"
    origin: Label
    nonce: Bytes32
    expires_at: Instant
