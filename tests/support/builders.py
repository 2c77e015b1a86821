"""A fictional commission made of signed statements, over the real use cases and ports in memory.

Everything is accepted the way a client would have it accepted: signed, posted, logged. Times are
those of a clock that tests turn. Nobody in it exists.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from audit.events import EventDetails
from audit.log import AuditLog
from audit.note import KeyType
from audit.policy import LogPolicy
from crypto.age.encrypt import encrypt_to
from crypto.age.identities import recipient_of
from crypto.age.layout import payload_length
from crypto.age.wrap import make_header
from crypto.digests import Digest, sha256
from crypto.encoding import new_dossier_reference, new_opaque_id
from crypto.keys import FileKey, HybridIdentity, PartySigningSeed, Recipient, SigningSeed
from crypto.statements import Statement, Unverified, seal
from crypto.statements.agenda import AgendaItem, AgendaOpening, AgendaPlace, commit_items
from crypto.statements.exchange import (
    AccessRequest,
    Declaration,
    EnvelopeEntry,
    Grant,
    Kind,
    Login,
    Manifest,
    Purpose,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import (
    Agenda,
    Capacity,
    Certificate,
    Closing,
    Enrolment,
    Invitation,
    RegistrarKey,
    Revocation,
    Role,
    Roster,
    RosterApproval,
    RosterMandate,
    RosterSeat,
    SeatKind,
    Sitting,
    SittingSeat,
    Stage,
    TrustPolicy,
)
from crypto.trust import Trust
from exchange.usecases.accept_statement import AcceptedStatement, accept_statement
from exchange.usecases.add_grant import add_grant
from exchange.usecases.begin_deposit import begin_deposit
from exchange.usecases.commit_deposit import commit_deposit
from exchange.usecases.enrol import enrol
from exchange.usecases.facts import latest_agenda, latest_sitting
from exchange.usecases.put_part import put_part
from exchange.usecases.release import Releases, release
from exchange.usecases.service import Caller, Service
from tests.support.honest_broker import HonestBroker
from tests.support.log_world import ORIGIN, CountedEntropy, MemoryWitness, TestClock, signer
from tests.support.memory import MemoryDatabase, MemoryObjects
from tests.support.memory_log import MemoryHighWater, MemoryLogStore

S = TypeVar("S", bound=Statement)

FROM, TO = date(2026, 1, 1), date(2028, 12, 31)
NONCE = b"nonce-of-16-byte"


def days(count: float) -> timedelta:
    return timedelta(days=count)


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
class Deposited:
    """A deposit as its depositor knows it."""

    deposit: str
    dossier: str
    manifest: Unverified[Manifest]
    payload: bytes
    envelopes: tuple[bytes, ...]
    receipt: bytes = b""


@dataclass(frozen=True)
class SeatOf:
    """A line of the roster and the person who holds it."""

    seat: str
    kind: SeatKind
    person: Person
    organisation: str | None = None
    capacity: Capacity = Capacity.TITULAR
    alternates: bool = True


@functools.cache
def some_recipient() -> Recipient:
    """A real post-quantum recipient; whose, no test asks."""
    return recipient_of(HybridIdentity.generate(CountedEntropy()))


@functools.cache
def some_header() -> bytes:
    """A real header, for no one."""
    entropy = CountedEntropy()
    return make_header(FileKey.generate(entropy), some_recipient(), entropy)


def payload_of(length: int = 1_000) -> bytes:
    """Bytes of the exact form of an age payload: nonce, chunks, tags."""
    return NONCE + bytes(payload_length(length) - len(NONCE))


@dataclass
class Commission:
    """The world. Methods named after a statement sign it; ``post`` has it accepted."""

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

    # --- trust and people ------------------------------------------------------------------

    def trust_policy(
        self, version: int = 1, seeds: Sequence[SigningSeed] | None = None, **changes: Any
    ) -> Unverified[TrustPolicy]:
        values = {
            "version": version,
            "expires_at": self.now + days(800),
            "origin": ORIGIN,
            "log_keys": (str(self.log_key.verifier),),
            "broker_keys": (self.broker.seed.verify_key(),),
            "registrar_keys": (
                RegistrarKey(key=self.registrar_seed.verify_key(), not_after=self.now + days(360)),
            ),
            "witness_policy": f"witness broker {self.cosigner.verifier}\nquorum broker\n",
            "roots": self.trust.root_keys,
            "threshold": 2,
            **changes,
        }
        root = self.roots[0].verify_key().fingerprint
        return self.sign(TrustPolicy, root, seeds or self.roots, **values)

    def replace_broker(self) -> None:
        """The broker is lost, and another one, which knows nothing, answers in its place."""
        self.openings: dict[Digest, tuple[AgendaOpening, ...]] = {}
        self.broker = HonestBroker(self.trust.commission, self.clock, self.entropy)
        self.service = replace(self.service, broker=self.broker)

    def publish_trust(self) -> None:
        signed = self.trust_policy()
        accept_statement(self.service, None, signed.envelope)
        self.log_policy = LogPolicy.from_trust_policy(signed.statement)

    def invitation(self, person: str, name: str, organisation: str, *roles: Role, **changes: Any):
        values = {
            "person": person,
            "name": name,
            "organisation": organisation,
            "roles": roles,
            "expires_at": self.now + days(7),
            "trust_sha256": self.trust.digest,
            "checkpoint": None,
            **changes,
        }
        return self.by_registrar(Invitation, **values)

    def enrolment(
        self, invitation: Unverified[Invitation], seed: PartySigningSeed, recipient: Recipient
    ) -> Unverified[Enrolment]:
        key = seed.verify_key()
        return self.sign(
            Enrolment,
            key.fingerprint,
            [seed],
            invitation=invitation.digest,
            device="poste de travail",
            recipient=recipient,
            signing_key=key,
        )

    def certificate(
        self,
        invitation: Unverified[Invitation],
        enrolment: Unverified[Enrolment],
        /,
        **changes: Any,
    ) -> Unverified[Certificate]:
        invited, enrolled = invitation.statement, enrolment.statement
        values = {
            "enrolment": enrolment.digest,
            "person": invited.person,
            "name": invited.name,
            "organisation": invited.organisation,
            "roles": invited.roles,
            "recipient": enrolled.recipient,
            "signing_key": enrolled.signing_key,
            "not_before": self.now,
            "not_after": self.now + days(700),
            **changes,
        }
        return self.by_registrar(Certificate, **values)

    def new_device(self) -> tuple[PartySigningSeed, Recipient]:
        identity = HybridIdentity.generate(self.entropy)
        return PartySigningSeed.generate(self.entropy), recipient_of(identity)

    def admit(
        self, name: str, organisation: str, *roles: Role, person: str | None = None, **changes: Any
    ) -> Person:
        """Invite, enrol and certify; ``changes`` are the certificate's."""
        invitation = self.invitation(person or self.new_id(), name, organisation, *roles)
        self.post(invitation)
        seed, recipient = self.new_device()
        enrolment = self.enrolment(invitation, seed, recipient)
        enrol(self.service, invitation.statement.id, enrolment.envelope)
        certificate = self.certificate(invitation, enrolment, **changes)
        self.post(certificate)
        made = Person(
            name,
            organisation,
            certificate.statement.roles,
            invitation.statement.person,
            seed,
            recipient,
            certificate.digest,
            self.new_id(),
        )
        self.people[name] = made
        return made

    def revoke(self, person: Person, caller: Caller | None = None) -> AcceptedStatement:
        values = {"certificate": person.certificate, "reason": "poste volé"}
        signed = (
            self.by(person, Revocation, **values)
            if caller
            else self.by_registrar(Revocation, **values)
        )
        return self.post(signed, caller)

    # --- meetings --------------------------------------------------------------------------

    def roster(
        self, seats: Sequence[SeatOf], previous: Digest | None = None, **changes: Any
    ) -> Unverified[Roster]:
        codes = {each.seat: each for each in seats}
        values: dict[str, Any] = {
            "version": 1,
            "previous": previous,
            "seats": tuple(
                RosterSeat(
                    seat=each.seat,
                    kind=each.kind,
                    label=f"Siège {each.seat}",
                    voting=True,
                    alternates=each.alternates,
                    organisation=each.organisation,
                    basis=None,
                )
                for each in codes.values()
            ),
            "mandates": tuple(
                RosterMandate(
                    mandate=each.person.mandate,
                    seat=each.seat,
                    person=each.person.person,
                    capacity=each.capacity,
                    from_day=FROM,
                    to_day=TO,
                    decree=None,
                )
                for each in seats
            ),
            "approvals": tuple(
                RosterApproval(
                    organisation=code,
                    label=code,
                    rna="W920000000",
                    from_day=FROM,
                    to_day=TO,
                    decree=None,
                )
                for code in ("altair", "amicale")
            ),
            **changes,
        }
        return self.by_registrar(Roster, **values)

    def sitting(
        self, roster: Digest, seats: Sequence[SeatOf], **changes: Any
    ) -> Unverified[Sitting]:
        values = {
            "sitting": self.sitting_id,
            "version": 1,
            "previous": None,
            "roster": roster,
            "stage": Stage.CONVOKED,
            "zone": "Europe/Paris",
            "deposit_by": self.now + days(3),
            "opens_at": self.now + days(5),
            "closes_at": self.now + days(12),
            "urgency": None,
            "second_convocation": False,
            "seats": tuple(self.seat_taken(each) for each in seats),
            **changes,
        }
        return self.by_registrar(Sitting, **values)

    def seat_taken(self, each: SeatOf, *certificates: Digest) -> SittingSeat:
        return SittingSeat(
            seat=each.seat,
            label=f"Siège {each.seat}",
            name=None,
            person=each.person.person,
            capacity=each.capacity,
            certificates=certificates or (each.person.certificate,),
        )

    def revised(self, **changes: Any) -> Unverified[Sitting]:
        """The next version of the sitting, with some changes."""
        latest = latest_sitting(self.index(), self.sitting_id)
        assert latest is not None
        kept = {
            name: getattr(latest.statement, name) for name in type(latest.statement).model_fields
        }
        for name in ("commission", "id", "issued_at", "signer"):
            del kept[name]
        kept |= {"version": latest.statement.version + 1, "previous": latest.digest}
        return self.by_registrar(Sitting, **{**kept, **changes})

    def sitting_digest(self) -> Digest:
        latest = latest_sitting(self.index(), self.sitting_id)
        assert latest is not None
        return latest.digest

    def items(self, *deposits: Deposited) -> list[AgendaItem]:
        """The lines of an agenda that lists these deposits, in that order."""
        dossiers: dict[tuple[str, str], list[Digest]] = {}
        for each in deposits:
            key = (self.association(each), each.dossier)
            dossiers.setdefault(key, []).append(each.manifest.digest)
        return [
            AgendaItem(association=key[0], dossier=key[1], rank=rank, manifests=tuple(manifests))
            for rank, (key, manifests) in enumerate(dossiers.items())
        ]

    def agenda(
        self, *deposits: Deposited, items: Sequence[AgendaItem] | None = None, **changes: Any
    ) -> Unverified[Agenda]:
        """Signed; ``post`` sends its openings along."""
        latest = latest_agenda(self.index(), self.sitting_id)
        values = {
            "sitting": self.sitting_id,
            "version": latest.statement.version + 1 if latest else 1,
            "previous": latest.digest if latest else None,
            **changes,
        }
        place = AgendaPlace(ORIGIN, values["sitting"], values["version"])
        listed = self.items(*deposits) if items is None else items
        commitments, shown = commit_items(place, listed, self.entropy)
        signed = self.by_registrar(Agenda, **{"items": commitments, **values})
        self.openings[signed.digest] = shown
        return signed

    def association(self, deposited: Deposited) -> str:
        signer = deposited.manifest.statement.signer
        return next(p.organisation for p in self.people.values() if p.certificate == signer)

    def closing(self) -> Unverified[Closing]:
        return self.by_registrar(
            Closing, sitting=self.sitting_id, sitting_sha256=self.sitting_digest()
        )

    # --- deposits --------------------------------------------------------------------------

    def envelope_for(self, certificate: Digest, purpose: Purpose) -> tuple[EnvelopeEntry, bytes]:
        envelope = encrypt_to(some_header(), some_recipient(), self.entropy)
        entry = EnvelopeEntry(
            certificate=certificate,
            purpose=purpose,
            header_sha256=sha256(some_header()),
            envelope_sha256=sha256(envelope),
        )
        return entry, envelope

    def begun(self, depositor: Person, payload: bytes | None = None) -> Deposited:
        """Begin a deposit, send its payload, and leave the manifest to the caller."""
        started = begin_deposit(
            self.service,
            depositor.caller,
            self.sitting_id,
            self.sitting_digest(),
            deposit=self.new_id(),
        )
        data = payload_of() if payload is None else payload
        put_part(self.service, depositor.caller, started.deposit, 1, data, sha256(data))
        self.release_key = self.index().get(
            next(
                event.cites["release_key"]
                for event in reversed(self.events())
                if "release_key" in event.cites
            )
        )
        return Deposited(
            started.deposit,
            new_dossier_reference(self.entropy),
            None,
            data,
            (),  # type: ignore[arg-type]
        )

    def manifest(
        self,
        depositor: Person,
        begun: Deposited,
        readers: Sequence[Person],
        grants: Sequence[Person] | None = None,
        **changes: Any,
    ) -> Deposited:
        """Sign the manifest of a begun deposit."""
        sealed = [self.envelope_for(each.certificate, Purpose.READ) for each in readers]
        colleagues = [depositor] if grants is None else grants
        sealed += [self.envelope_for(each.certificate, Purpose.GRANT) for each in colleagues]
        values = {
            "origin": ORIGIN,
            "sitting": self.sitting_id,
            "sitting_sha256": self.sitting_digest(),
            "release_key_sha256": self.release_key.digest,
            "dossier": begun.dossier,
            "pathway": self.pathway,
            "deposit": begun.deposit,
            "complement_of": None,
            "urgent": False,
            "kind": Kind.ENGAGEMENT,
            "audience": None,
            "length": len(begun.payload),
            "sha256": sha256(begun.payload),
            "nonce": NONCE,
            "commitment": bytes(32),
            "envelopes": tuple(entry for entry, _ in sealed),
            **changes,
        }
        signed = self.by(depositor, Manifest, **values)
        dossier = signed.statement.dossier
        envelopes = tuple(envelope for _, envelope in sealed)
        return Deposited(begun.deposit, dossier, signed, begun.payload, envelopes)

    pathway = "a" * 26

    def commit(self, depositor: Person, made: Deposited) -> Deposited:
        made.receipt = commit_deposit(
            self.service, depositor.caller, made.deposit, made.manifest.envelope, made.envelopes
        )
        return made

    def deposit(self, depositor: Person, readers: Sequence[Person], **changes: Any) -> Deposited:
        """A whole deposit."""
        begun = self.begun(depositor)
        return self.commit(depositor, self.manifest(depositor, begun, readers, **changes))

    def grant(
        self, depositor: Person, made: Deposited, *to: tuple[Person, Purpose], **changes: Any
    ) -> tuple[Unverified[Grant], tuple[bytes, ...]]:
        sealed = [self.envelope_for(person.certificate, purpose) for person, purpose in to]
        values = {
            "manifest": made.manifest.digest,
            "release_key_sha256": made.manifest.statement.release_key_sha256,
            "envelopes": tuple(entry for entry, _ in sealed),
            "reason": "appareil remplacé",
            **changes,
        }
        return self.by(depositor, Grant, **values), tuple(envelope for _, envelope in sealed)

    def add_grant(self, depositor: Person, made: Deposited, *to: tuple[Person, Purpose]) -> bytes:
        signed, envelopes = self.grant(depositor, made, *to)
        return add_grant(self.service, depositor.caller, made.deposit, signed.envelope, envelopes)

    def withdraw(self, depositor: Person, made: Deposited) -> AcceptedStatement:
        signed = self.by(depositor, Withdrawal, dossier=made.dossier, reason="renonce")
        return self.post(signed, depositor.caller)

    # --- members ---------------------------------------------------------------------------

    def undertake(self, member: Person) -> AcceptedStatement:
        signed = self.by(
            member, Undertaking, mandate=member.mandate, text_sha256=sha256(b"engagement")
        )
        return self.post(signed, member.caller)

    def declare(self, member: Person, *deposits: Deposited) -> AcceptedStatement:
        return self._about(member, Declaration, deposits)

    def recuse(self, member: Person, *deposits: Deposited) -> AcceptedStatement:
        return self._about(member, Recusal, deposits)

    def _about(
        self, member: Person, kind: type[Statement], deposits: Sequence[Deposited]
    ) -> AcceptedStatement:
        dossiers = tuple(each.dossier for each in deposits)
        signed = self.by(member, kind, sitting=self.sitting_id, dossiers=dossiers)
        return self.post(signed, member.caller)

    def request(
        self, person: Person, *deposits: Deposited | str, **changes: Any
    ) -> Unverified[AccessRequest]:
        note = self.log.checkpoint()
        assert note is not None
        values = {
            "sitting": self.sitting_id,
            "sitting_sha256": self.sitting_digest(),
            "deposits": tuple(each if isinstance(each, str) else each.deposit for each in deposits),
            "purpose": Purpose.READ,
            "nonce": self.entropy(32),
            "reply_key": person.recipient,
            "checkpoint": note.decode(),
            **changes,
        }
        return self.by(person, AccessRequest, **values)

    def release(self, person: Person, *deposits: Deposited | str, **changes: Any) -> Releases:
        signed = self.request(person, *deposits, **changes)
        return release(self.service, person.caller, signed.envelope)

    def login_statement(
        self, signer: Digest, seed: SigningSeed, nonce: bytes, **changes: Any
    ) -> Unverified[Login]:
        values = {"origin": ORIGIN, "nonce": nonce, "expires_at": self.now + timedelta(minutes=2)}
        return self.sign(Login, signer, [seed], **{**values, **changes})


@dataclass
class Convened:
    """A commission with a convoked sitting: two who read, one recused by seat, one depositor each."""

    world: Commission
    doctor: Person
    mayor: Person
    altair_member: Person
    depositor: Person
    other_depositor: Person
    auditor: Person
    seats: list[SeatOf]

    def deposit(self, **changes: Any) -> Deposited:
        """A deposit of altair, sealed to everybody who may read it."""
        readers = [self.doctor, self.mayor]
        return self.world.deposit(self.depositor, readers, **changes)

    def on_agenda(self, *deposits: Deposited) -> None:
        self.world.post(self.world.agenda(*deposits))

    def open_window(self) -> None:
        self.world.clock.advance(days(6))

    def ready(self) -> Deposited:
        """A deposit that the doctor may take at once."""
        made = self.deposit()
        self.on_agenda(made)
        self.world.undertake(self.doctor)
        self.world.declare(self.doctor, made)
        self.open_window()
        return made


def convened() -> Convened:
    """A fresh commission, convoked for a sitting in five days."""
    world = Commission()
    world.publish_trust()
    doctor = world.admit("Jérôme Chimère", "cdom", Role.MEMBER)
    mayor = world.admit("Karine Utopie", "maires", Role.MEMBER)
    altair_member = world.admit("Noémie Roman", "altair", Role.MEMBER)
    depositor = world.admit("Quitterie Demo", "altair", Role.DEPOSITOR)
    other = world.admit("Régis Demo", "amicale", Role.DEPOSITOR)
    auditor = world.admit("Solène Contrôle", "prefecture", Role.AUDITOR)
    guest = world.admit("Perrine Invitée", "universite", Role.MEMBER)
    seats = [
        SeatOf("cdom", SeatKind.DESIGNATED, doctor, alternates=False),
        SeatOf("maires", SeatKind.ELECTED, mayor),
        SeatOf("altair", SeatKind.ASSOCIATION, altair_member, organisation="altair"),
    ]
    roster = world.roster([*seats, SeatOf("invite", SeatKind.GUEST, guest, alternates=False)])
    world.post(roster)
    world.post(world.sitting(roster.digest, seats))
    return Convened(world, doctor, mayor, altair_member, depositor, other, auditor, seats)
