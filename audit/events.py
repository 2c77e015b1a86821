"""What an audit event says: its type, its exact time, and the statements that it concerns.

The details are stored beside the log, never in it; the log holds a commitment (``audit.entries``).
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from audit.errors import LogFormatError
from crypto.errors import MalformedError
from crypto.statements.fields import DigestField, Instant
from crypto.statements.model import Strict, load_strict_json

MAX_DETAILS_BYTES: Final = 16_384
"""A release cites about ten digests; 16 KiB leaves room for a reason and for later fields."""


class EventType(StrEnum):
    """Everything that the service records (DESIGN, section 6)."""

    STATEMENT_ACCEPTED = "statement.accepted"
    LOGIN_ACCEPTED = "login.accepted"
    LOGIN_REFUSED = "login.refused"
    DEPOSIT_BEGUN = "deposit.begun"
    DEPOSIT_COMMITTED = "deposit.committed"
    DEPOSIT_REKEYED = "deposit.rekeyed"
    GRANT_ADDED = "grant.added"
    RELEASE_AUTHORISED = "release.authorised"
    RELEASE_REFUSED = "release.refused"
    RELEASE_FAILED = "release.failed"
    PAYLOAD_READ = "payload.read"
    ROSTER_READ = "roster.read"
    DISCLOSURE_READ = "disclosure.read"
    KEY_DESTROYED = "key.destroyed"
    PURGE_DONE = "purge.done"
    RETENTION_APPLIED = "retention.applied"


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Value = Annotated[str, StringConstraints(max_length=2_000)]


class EventDetails(Strict):
    """The disclosed side of one entry.

    ``cites`` maps a role ("access_request", "manifest", "certificate", …) to a statement's digest;
    ``facts`` holds what no statement says ("deposit", "reason", "type", …). Neither ever holds a
    name, an address or anything of a dossier.
    """

    v: Literal[1] = 1
    type: Annotated[EventType, Field(strict=False)]
    at: Instant
    cites: dict[Key, DigestField]
    facts: dict[Key, Value]

    def to_bytes(self) -> bytes:
        """The JSON bytes that are stored and committed to."""
        return json.dumps(
            self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"), sort_keys=True
        ).encode()

    @classmethod
    def parse(cls, data: bytes) -> EventDetails:
        """Read stored details; raises LogFormatError."""
        try:
            return cls.model_validate(load_strict_json(data, limit=MAX_DETAILS_BYTES))
        except (ValidationError, MalformedError) as error:
            raise LogFormatError("Le détail d'un événement n'est pas conforme.") from error
