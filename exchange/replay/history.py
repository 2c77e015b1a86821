"""The history as the replay has seen it so far: what was accepted, begun, released, destroyed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

from audit.events import EventDetails, EventType
from crypto.digests import Digest
from crypto.statements import Statement, Unverified
from crypto.statements.agenda import AgendaOpening
from crypto.statements.exchange import Purpose
from crypto.trust import Trust, TrustedPolicy
from exchange.replay.codes import Code
from exchange.replay.findings import Findings
from exchange.replay.report import RefusalRow
from exchange.replay.retention import Erasures
from exchange.usecases.ledger import MemoryLedger

S = TypeVar("S", bound=Statement)

Openings = dict[Digest, tuple[AgendaOpening, ...]]
"""By the digest of the agenda."""

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LoggedEvent:
    """One entry whose details were disclosed and are those committed to."""

    index: int
    details: EventDetails

    @property
    def type(self) -> EventType:
        return self.details.type

    @property
    def cites(self) -> Mapping[str, Digest]:
        return self.details.cites

    @property
    def deposit(self) -> str:
        """The deposit concerned, "" where the event names none."""
        return self.details.facts.get("deposit", "")


@dataclass
class Release:
    """One authorised release, as the log tells it."""

    index: int
    at: datetime
    request: Digest
    deposit: str
    certificate: Digest | None
    manifest: Digest | None
    purpose: Purpose | None
    sitting: str
    refusal: str | None = None
    """Why the policy would have refused it; None: it was lawful."""
    opened: bool = False
    """The broker's record says that it opened the envelope."""
    read: bool = False
    """The payload was downloaded."""


@dataclass
class History:
    """State of one replay. Only the modules of this package change it."""

    trust: Trust
    statements: Mapping[Digest, Unverified[Statement]]
    erasures: Erasures
    openings: Openings = field(default_factory=dict)
    """What the bundle says that each agenda lists. Nothing verified."""
    findings: Findings = field(default_factory=Findings)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    policies: list[TrustedPolicy] = field(default_factory=list)
    at: datetime = BEGINNING
    """The latest time at which anything so far counts as made; it never goes back."""
    counts: Counter[EventType] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    refused: list[RefusalRow] = field(default_factory=list)
    impossible: Counter[str] = field(default_factory=Counter)
    """Checks that erased details made impossible, by their French name."""
    cited: set[Digest] = field(default_factory=set)
    begun: dict[str, Digest] = field(default_factory=dict)
    """Deposit to its first release-key statement."""
    rekeyed: dict[str, list[tuple[int, Digest]]] = field(default_factory=dict)
    """Deposit to later release keys, each with the place of its event: its broker was lost."""
    committed: dict[str, Digest] = field(default_factory=dict)
    """Deposit to its manifest."""
    releases: dict[tuple[Digest, str], Release] = field(default_factory=dict)
    destructions: dict[Digest, int] = field(default_factory=dict)
    """Destruction statement to the index of its event."""
    custody: str | None = None
    """How the broker runs, by its own signed record (``broker_wire.Custody``)."""

    @property
    def policy(self) -> TrustedPolicy | None:
        """The trust policy in force at this place."""
        return self.policies[-1] if self.policies else None

    def keys_of(self, deposit: str) -> tuple[Digest, ...]:
        """Every release key made for a deposit, oldest first."""
        first = self.begun.get(deposit)
        later = (digest for _index, digest in self.rekeyed.get(deposit, ()))
        return (*(() if first is None else (first,)), *later)

    def key_at(self, deposit: str, index: int) -> Digest | None:
        """The release key that a deposit had at a place of the log."""
        later = [digest for place, digest in self.rekeyed.get(deposit, ()) if place < index]
        return later[-1] if later else self.begun.get(deposit)

    def statement(self, digest: Digest | None, kind: type[S]) -> Unverified[S] | None:
        """A statement of the bundle, if it is of that type. Its signature is not implied."""
        found = self.statements.get(digest) if digest is not None else None
        if found is None or not isinstance(found.statement, kind):
            return None
        return cast("Unverified[S]", found)

    def missing(self, event: LoggedEvent, code: Code, check: str, **params: object) -> None:
        """What an event needs before it is not there: a finding, unless erased details may hold it."""
        if self.erasures.any_before(event.index):
            self.impossible[check] += 1
        else:
            self.findings.add(code, event.index, **params)
