"""The log of a small commission and the broker beside it: anything at all can be posted.

Nothing here is trusted by the code under test: statements are signed on the spot, events are logged
whether they are lawful or not, and the log's key is the world's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from audit.log import AuditLog
from audit.note import NoteSigner
from audit.policy import LogPolicy
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.keys import PartySigningSeed, ServiceSigningSeed
from crypto.statements import Statement, Unverified
from crypto.statements.registry import Sitting
from crypto.trust import Trust
from exchange.broker.create import create_broker
from exchange.broker.in_process import InProcessBroker
from exchange.usecases.ledger import Accepted, MemoryLedger
from exchange.usecases.ports import Attested
from tests.support.memory_log import MemoryHighWater, MemoryLogStore

ORIGIN = "dossiers.example/log"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class WorldLog:
    """The log's key and the broker in ``directory``; whatever is posted, lawful or not, is logged."""

    directory: Path
    now: datetime = START
    skew: timedelta = timedelta(0)
    """How far the server's clock is from the broker's."""
    began: datetime = START
    """The moment from which the registrar counts dates and terms."""
    index: MemoryLedger = field(default_factory=MemoryLedger)
    attested: dict[Digest, int] = field(default_factory=dict)
    envelopes: dict[Digest, bytes] = field(default_factory=dict)
    log_policy: LogPolicy | None = None

    def __post_init__(self) -> None:
        self.root = PartySigningSeed.generate(os.urandom)
        self.registrar = PartySigningSeed.generate(os.urandom)
        self.log_signer = NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom))
        root_key = self.root.verify_key()
        self.trust = Trust(commission=self.new_id(), root_keys=(root_key,), threshold=1)
        self.broker_keys = create_broker(
            self.directory,
            trust=self.trust,
            origin=ORIGIN,
            log_keys=[str(self.log_signer.verifier)],
            entropy=os.urandom,
        )
        self.broker = self.new_broker()
        self.store = MemoryLogStore()
        self.log = self.new_log(self.store)
        self.sittings: dict[str, Unverified[Sitting]] = {}

    # --- the pieces -----------------------------------------------------------------------

    def new_broker(self) -> InProcessBroker:
        """Another process on the same directory."""
        return InProcessBroker(self.directory, lambda: self.now, os.urandom)

    def new_log(self, store: MemoryLogStore, *, cosigned: bool = True) -> AuditLog:
        cosigners = [self.broker.cosigner] if cosigned else []
        self.high_water = MemoryHighWater()
        return AuditLog(
            store,
            self.high_water,
            self.log_signer,
            cosigners,
            lambda: self.log_policy,
            lambda: self.now,
        )

    def new_id(self) -> str:
        return new_opaque_id(os.urandom)

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def fields(self, signer: Digest) -> dict[str, Any]:
        return {
            "commission": self.trust.commission,
            "id": self.new_id(),
            "issued_at": self.now,
            "signer": signer,
        }

    # --- logging --------------------------------------------------------------------------

    def log_event(
        self,
        kind: EventType,
        cites: Mapping[str, Digest],
        facts_: Mapping[str, str] | None = None,
        at: datetime | None = None,
    ) -> int:
        """Log anything at all; the index of the event."""
        details = EventDetails(
            type=kind, at=at or self.now + self.skew, cites=dict(cites), facts=dict(facts_ or {})
        )
        ticket = self.store.append(new_entry(details, ORIGIN, os.urandom))
        self.log.integrate()
        index = self.store.index_of(ticket)
        assert index is not None
        return index

    def receipt(self, index: int) -> bytes:
        return self.log.receipt_at(index)

    def post(
        self,
        signed: Unverified[Any],
        kind: EventType = EventType.STATEMENT_ACCEPTED,
        *,
        cites: Mapping[str, Digest] | None = None,
        facts_: Mapping[str, str] | None = None,
        acknowledge: bool = True,
        at: datetime | None = None,
    ) -> Digest:
        """Log a statement as the service does, keep it, and show it to the broker."""
        cites = cites if cites is not None else {"statement": signed.digest}
        facts_ = facts_ if facts_ is not None else {"type": signed.statement.TYPE}
        index = self.log_event(kind, cites, facts_, at)
        self.keep(signed, index, at)
        if acknowledge:
            self.broker.acknowledge(self.attest(signed.digest))
        return signed.digest

    def keep(self, signed: Unverified[Any], index: int, at: datetime | None = None) -> None:
        self.envelopes[signed.digest] = signed.envelope
        self.attested[signed.digest] = index
        accepted: Accepted[Statement] = Accepted(
            signed.statement, signed.digest, index, at or self.now + self.skew
        )
        self.index.add(accepted)

    def attest(self, digest: Digest) -> Attested:
        return Attested(self.envelopes[digest], self.receipt(self.attested[digest]))
