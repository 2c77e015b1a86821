"""The result of a replay, for programs; ``render`` says it in French."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from exchange.replay.codes import Severity
from exchange.replay.findings import Finding


class Verdict(StrEnum):
    """The first line of every report."""

    OK = "ok"
    FINDINGS = "findings"
    BROKEN = "broken"


@dataclass(frozen=True)
class ReleaseRow:
    """One release of one deposit to one person."""

    index: int
    at: datetime
    dossier: str
    deposit: str
    association: str
    seat: str
    person: str
    purpose: str
    refusal: str | None
    """The rule that it broke; None when it was lawful."""
    opened: bool
    read: bool


@dataclass(frozen=True)
class RefusalRow:
    """One request that the service refused, as the log tells it."""

    index: int
    at: datetime
    sitting: str
    dossier: str
    deposit: str
    person: str
    reason: str
    sentence: str
    """The reason in French."""


@dataclass(frozen=True)
class ErasureRow:
    """Entries whose details one signed rule erased; ``first`` and ``last`` both included."""

    first: int
    last: int
    rule: str
    statement: int
    """Index of the event that recorded the retention statement."""
    attested_by: str | None
    """The auditor who had verified these entries before; None: nobody had."""


@dataclass(frozen=True)
class SittingTable:
    """The releases of one sitting, in order of the log."""

    sitting: str
    opens_at: datetime | None
    closes_at: datetime | None
    releases: tuple[ReleaseRow, ...]


@dataclass(frozen=True)
class Report:
    """Everything that a verification can say."""

    verdict: Verdict
    origin: str
    size: int
    root: str
    """The checkpoint's root in base64, "" when there is none."""
    head_at: datetime | None
    """When the broker cosigned the checkpoint."""
    policy_version: int
    independent_witnesses: tuple[str, ...]
    exporter: str | None
    custody: str | None
    """How the broker runs, as it signed in its own record; None when the record does not say."""
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    """Events by type."""
    refusals: Mapping[str, int]
    """Refused releases by reason."""
    disclosed: int
    erased: int
    opened: int
    checks: tuple[str, ...]
    """What was checked, in French."""
    impossible: Mapping[str, int]
    """What could not be checked because details were erased, and how often."""
    sittings: tuple[SittingTable, ...]
    refused: tuple[RefusalRow, ...] = ()
    erasures: tuple[ErasureRow, ...] = ()
    contradicted: tuple[bytes, ...] = ()
    """The notes verified before that this log contradicts: evidence, with its own checkpoint."""


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Broken evidence first; then anything graver than information."""
    severities = {finding.severity for finding in findings}
    if Severity.BREAKING in severities:
        return Verdict.BROKEN
    if severities & {Severity.SERIOUS, Severity.WARNING}:
        return Verdict.FINDINGS
    return Verdict.OK
