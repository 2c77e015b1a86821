"""The broker's own record: what one line says, shared by the broker and the auditor's replay.

The record is a second, independent account: the server's log says what was authorised *before* a
reveal, the broker's record what was then opened, refused, made and destroyed. Its lines are leaves
of an RFC 6962 tree whose checkpoints the broker signs, under an origin of their own.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from audit.errors import LogFormatError
from audit.events import Key, Value
from crypto.errors import MalformedError
from crypto.statements.fields import Count, DigestField, Instant
from crypto.statements.model import Strict, load_strict_json

MAX_RECORD_LINE_BYTES: Final = 262_144
"""A destruction of 1,000 keys is about 100 KiB in its envelope; twice that and some room."""

_RECORD_SUFFIX: Final = "/broker-record"


class RecordKind(StrEnum):
    """What the broker did."""

    KEY_MADE = "key.made"
    OPENED = "opened"
    REFUSED = "refused"
    DESTROYED = "destroyed"
    CUSTODY = "custody"
    """How the broker runs since then: ``broker_wire.Custody``."""


class RecordEntry(Strict):
    """One line. ``cites`` and ``facts`` as in ``audit.events``; never a name.

    ``envelope`` is the broker's own statement (release key, destruction) as signed, so that a server
    that hides one cannot make it disappear.
    """

    v: Literal[1] = 1
    number: Count
    """Position in the record, from 0."""
    at: Instant
    kind: Annotated[RecordKind, Field(strict=False)]
    cites: dict[Key, DigestField]
    facts: dict[Key, Value]
    envelope: Annotated[str, StringConstraints(max_length=MAX_RECORD_LINE_BYTES)] | None = None

    def to_line(self) -> bytes:
        """The line's bytes without its end: what is hashed as a leaf."""
        return json.dumps(
            self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"), sort_keys=True
        ).encode()

    @classmethod
    def parse(cls, line: bytes) -> RecordEntry:
        """Read one line, in its one canonical form; raises LogFormatError."""
        try:
            entry = cls.model_validate(load_strict_json(line, limit=MAX_RECORD_LINE_BYTES))
        except (ValidationError, MalformedError) as error:
            raise LogFormatError(
                "Une ligne du registre du gardien des clés n'est pas conforme."
            ) from error
        if entry.to_line() != line:
            raise LogFormatError("Une ligne du registre du gardien des clés n'est pas canonique.")
        return entry


def record_origin(log_origin: str) -> str:
    """The origin, and key name, of the record's checkpoints."""
    return log_origin + _RECORD_SUFFIX
