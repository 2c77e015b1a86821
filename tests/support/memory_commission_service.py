"""The real use cases over ports in memory, and the keys of those who found the commission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from audit.events import EventDetails
from audit.log import AuditLog
from audit.note import KeyType
from audit.policy import LogPolicy
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.keys import PartySigningSeed, Recipient, SigningSeed
from crypto.statements import Statement, Unverified, seal
from crypto.statements.agenda import AgendaOpening
from crypto.statements.registry import Role
from crypto.trust import Trust
from exchange.usecases.accept_statement import AcceptedStatement, accept_statement
from exchange.usecases.service import Caller, Service
from tests.support.honest_broker import HonestBroker
from tests.support.log_world import ORIGIN, CountedEntropy, MemoryWitness, TestClock, signer
from tests.support.memory_database import MemoryDatabase
from tests.support.memory_log import MemoryHighWater, MemoryLogStore
from tests.support.memory_objects import MemoryObjects

S = TypeVar("S", bound=Statement)


@dataclass
class Person:
    """A person with one device."""

    name: str
    organisation: str
    roles: tuple[Role, ...]
    person: str
    seed: PartySigningSeed
    recipient: Recipient
    certificate: Digest
    mandate: str = ""

    @property
    def caller(self) -> Caller:
        return Caller(
            person=self.person,
            certificate=self.certificate,
            roles=frozenset(self.roles),
            organisation=self.organisation,
        )


@dataclass
class CommissionService:
    """The service and its keys. ``sign`` signs anything; ``post`` has it accepted."""

    clock: TestClock = field(default_factory=TestClock)
    entropy: CountedEntropy = field(default_factory=CountedEntropy)

    def __post_init__(self) -> None:
        self.roots = [PartySigningSeed.generate(self.entropy) for _ in range(2)]
        self.registrar_seed = PartySigningSeed.generate(self.entropy)
        keys = tuple(seed.verify_key() for seed in self.roots)
        self.trust = Trust(commission=self.new_id(), root_keys=keys, threshold=2)
        self.log_key = signer(ORIGIN)
        self.cosigner = signer(f"{ORIGIN}/broker", KeyType.COSIGNATURE_V1, seed=9)
        self.witness = MemoryWitness(self.cosigner, [self.log_key.verifier], self.clock)
        self.openings: dict[Digest, tuple[AgendaOpening, ...]] = {}
        self.broker = HonestBroker(self.trust.commission, self.clock, self.entropy)
        self.log_store = MemoryLogStore()
        self.log_policy: LogPolicy | None = None
        self.database = MemoryDatabase(self.log_store)
        self.objects = MemoryObjects(self.clock, self.entropy)
        self.log = AuditLog(
            self.log_store,
            MemoryHighWater(),
            self.log_key,
            [self.witness],
            lambda: self.log_policy,
            self.clock,
        )
        self.service = Service(
            transactions=self.database.transactions,
            readings=self.database.transactions,
            unordered=self.database.transactions,
            log=self.log,
            log_store=self.log_store,
            broker=self.broker,
            objects=self.objects,
            clock=self.clock,
            entropy=self.entropy,
            trust=self.trust,
            origin=ORIGIN,
        )
        self.people: dict[str, Person] = {}
        self.sitting_id = self.new_id()

    # --- small things ----------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    @property
    def registrar(self) -> Caller:
        return Caller(key=self.registrar_seed.verify_key().fingerprint)

    def new_id(self) -> str:
        return new_opaque_id(self.entropy)

    def sign(
        self, kind: type[S], signer: Digest, seeds: Sequence[SigningSeed], /, **values: Any
    ) -> Unverified[S]:
        fields = {
            "commission": self.trust.commission,
            "id": self.new_id(),
            "issued_at": self.now,
            "signer": signer,
            **values,
        }
        return seal(kind(**fields), seeds)

    def by_registrar(self, kind: type[S], /, **values: Any) -> Unverified[S]:
        fingerprint = self.registrar_seed.verify_key().fingerprint
        return self.sign(kind, fingerprint, [self.registrar_seed], **values)

    def by(self, person: Person, kind: type[S], /, **values: Any) -> Unverified[S]:
        return self.sign(kind, person.certificate, [person.seed], **values)

    def post(self, signed: Unverified[Any], caller: Caller | None = None) -> AcceptedStatement:
        """Accept as the registrar, or as the caller given."""
        shown = self.openings.get(signed.digest, ())
        return accept_statement(self.service, caller or self.registrar, signed.envelope, shown)

    def events(self) -> list[EventDetails]:
        """Every event that lasts, in the order of tickets."""
        rows = self.log_store.rows.entries
        return [EventDetails.parse(rows[ticket].details) for ticket in sorted(rows)]

    def kinds(self) -> list[str]:
        return [event.type.value for event in self.events()]

    def index(self) -> Any:
        with self.database.transactions() as work:
            return work.statements

    def replace_broker(self) -> None:
        """The broker is lost, and another one, which knows nothing, answers in its place."""
        self.openings: dict[Digest, tuple[AgendaOpening, ...]] = {}
        self.broker = HonestBroker(self.trust.commission, self.clock, self.entropy)
        self.service = replace(self.service, broker=self.broker)
