"""Statements by the broker, and about the log's and the store's own life."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from crypto.statements.fields import (
    MAX_ITEMS,
    Bytes32,
    Count,
    Day,
    DigestField,
    DossierReference,
    Instant,
    Label,
    OpaqueId,
    Reason,
    RecipientField,
    Text,
    Version,
)
from crypto.statements.model import Statement, Strict

MAX_INDEX_BYTES: Final = 268_435_456
"""256 MiB: a million files of a bundle, each with its path, length and hash."""


class Cause(StrEnum):
    """Why release keys were destroyed."""

    WITHDRAWAL = "withdrawal"
    CLOSING = "closing"
    EXPIRY = "expiry"


class ReleaseKey(Statement):
    """The broker made a key pair for one deposit of one sitting, and will destroy it."""

    TYPE: ClassVar[str] = "release-key"
    deposit: OpaqueId
    sitting: OpaqueId
    sitting_sha256: DigestField
    recipient: RecipientField
    opens_at: Instant
    closes_at: Instant


class Status(Statement):
    """What the broker has acknowledged, answered to a fresh nonce."""

    TYPE: ClassVar[str] = "status"
    nonce: Bytes32
    number: Version
    """Grows by one with each status of this broker key; a lower one is never accepted."""
    trust_version: Version
    sitting: DigestField | None
    agenda: DigestField | None
    revoked: DigestField
    """``tagged_sha256(REVOKED_LIST, sorted digests of all revoked certificates)``."""
    includes: Annotated[tuple[DigestField, ...], Field(strict=False, max_length=MAX_ITEMS)]


class Destruction(Statement):
    """The broker destroyed these release keys."""

    TYPE: ClassVar[str] = "destruction"
    release_keys: Annotated[tuple[DigestField, ...], Field(strict=False, max_length=MAX_ITEMS)]
    cause: Annotated[Cause, Field(strict=False)]
    because: DigestField | None
    """Digest of the withdrawal or closing; null when the broker's own clock ended it."""


class IndexRange(Strict):
    """Log entries ``first`` to ``last``, both included."""

    first: Count
    last: Count


Ranges = Annotated[tuple[IndexRange, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)]


class Hold(Statement):
    """Nothing of these dossiers is purged until the day given (appeal, inquiry).

    The latest hold on a dossier is the one in force; ``until`` null lifts those before it.
    """

    TYPE: ClassVar[str] = "hold"
    dossiers: Annotated[
        tuple[DossierReference, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
    ]
    until: Instant | None
    reason: Reason


class ArchivesVisa(Strict):
    """The archives administration's visa of elimination (C. patrimoine, R212-14)."""

    reference: Label
    day: Day


class Purge(Statement):
    """These deposits' ciphertexts may be deleted. ``visa`` null says that none was given: the
    ciphertexts are transit copies, whose originals the association and the préfecture keep.
    """

    TYPE: ClassVar[str] = "purge"
    sitting: OpaqueId
    deposits: Annotated[
        tuple[OpaqueId, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
    ]
    visa: ArchivesVisa | None
    reason: Reason


class Retention(Statement):
    """The disclosures of these entries are erased, by the rule named."""

    TYPE: ClassVar[str] = "retention"
    ranges: Ranges
    rule: Reason


class Attestation(Statement):
    """An auditor verified these entries while their disclosures still existed."""

    TYPE: ClassVar[str] = "attestation"
    ranges: Ranges
    checkpoint: Text
    verdict: Reason


class Emergency(Statement):
    """The registrar lowers the witness quorum for a limited time; always a finding."""

    TYPE: ClassVar[str] = "emergency"
    quorum: Count
    expires_at: Instant
    reason: Reason


class Recovery(Statement):
    """A restored database may go on from this checkpoint; always a finding."""

    TYPE: ClassVar[str] = "recovery"
    checkpoint: Text
    reason: Reason


class BundleFile(Strict):
    """One file of an exported bundle."""

    path: Label
    sha256: DigestField
    length: Count


class BundleIndex(Statement):
    """The exporting auditor signs the hash of every file of a bundle."""

    TYPE: ClassVar[str] = "bundle-index"
    MAX_BYTES: ClassVar[int] = MAX_INDEX_BYTES
    checkpoint: Text
    files: Annotated[tuple[BundleFile, ...], Field(strict=False, max_length=1_000_000)]
