"""A small commission with a real log and a real broker, whose server does what the test tells it.

Nothing here is trusted by the code under test: statements are signed on the spot, events are logged
whether they are lawful or not, and the log's key is the world's own. So a test can play an honest
service or any hostile one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from audit.log import AuditLog
from audit.note import NoteSigner
from audit.policy import LogPolicy
from crypto.age.identities import recipient_of
from crypto.digests import Digest, sha256
from crypto.edge.identity import Identity
from crypto.edge.seal import envelope_for, header_for, seal_payload
from crypto.encoding import new_dossier_reference, new_opaque_id
from crypto.keys import HybridIdentity, MasterSeed, PartySigningSeed, ServiceSigningSeed
from crypto.statements import Statement, Unverified, parse, seal
from crypto.statements.agenda import (
    AgendaItem,
    AgendaOpening,
    AgendaPlace,
    commit_items,
    open_whole,
)
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    AccessRequest,
    Declaration,
    EnvelopeEntry,
    Grant,
    Kind,
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
from exchange.broker.create import create_broker
from exchange.broker.in_process import InProcessBroker
from exchange.broker.keystore import KeyStore
from exchange.usecases import facts
from exchange.usecases.ledger import Accepted, MemoryLedger
from exchange.usecases.ports import Attested, OpenRequest
from tests.support.memory_log import MemoryHighWater, MemoryLogStore

ORIGIN = "dossiers.example/log"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Person:
    """A person with one certified device."""

    name: str
    organisation: str
    roles: tuple[Role, ...]
    person: str
    identity: Identity
    certificate: Digest = Digest("")  # noqa: RUF009  # a NewType: the string itself
    mandate: str = ""
    seat: str = ""


@dataclass
class Deposit:
    """A committed deposit, with what the test needs to attack it."""

    deposit: str
    dossier: str
    manifest: Unverified[Manifest]
    release_key: Unverified[ReleaseKey]
    envelopes: dict[Digest, bytes]
    headers: dict[Digest, bytes]
    file_key: Any


@dataclass
class Request:
    """A reader's signed request and the secret of its one-use reply key."""

    signed: Unverified[AccessRequest]
    reply: HybridIdentity

    @property
    def digest(self) -> Digest:
        return self.signed.digest


@dataclass
class World:
    """The commission, its service's log and index, and the broker in ``directory``."""

    directory: Path
    now: datetime = START
    skew: timedelta = timedelta(0)
    """How far the server's clock is from the broker's."""
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

    # --- the registry ---------------------------------------------------------------------

    def trust_policy(self, version: int = 1, **changes: Any) -> Unverified[TrustPolicy]:
        statement = TrustPolicy.model_validate(
            {
                **self.fields(self.root.verify_key().fingerprint),
                "version": version,
                "expires_at": START + timedelta(days=365),
                "origin": ORIGIN,
                "log_keys": (str(self.log_signer.verifier),),
                "broker_keys": (self.broker_keys.statement_key,),
                "registrar_keys": (
                    RegistrarKey(
                        key=self.registrar.verify_key(), not_after=START + timedelta(days=300)
                    ),
                ),
                "witness_policy": f"witness broker {self.broker_keys.cosigner_vkey}\nquorum broker\n",
                "roots": self.trust.root_keys,
                "threshold": 1,
                **changes,
            }
        )
        return seal(statement, [self.root])

    def publish_trust(self, version: int = 1, **changes: Any) -> Digest:
        signed = self.trust_policy(version, **changes)
        self.log_policy = LogPolicy.from_trust_policy(signed.statement)
        return self.post(signed)

    def by_registrar(self, kind: type[Any], /, **values: Any) -> Unverified[Any]:
        signer = self.registrar.verify_key().fingerprint
        return seal(kind.model_validate({**self.fields(signer), **values}), [self.registrar])

    def by(self, who: Person, kind: type[Any], /, **values: Any) -> Unverified[Any]:
        return who.identity.sign(kind.model_validate({**self.fields(who.certificate), **values}))

    def enrol(self, name: str, organisation: str, *roles: Role) -> Person:
        """Invite, enrol and certify a person."""
        identity = Identity(MasterSeed.generate(os.urandom))
        person = Person(name, organisation, roles, self.new_id(), identity)
        invitation = self.post(
            self.by_registrar(
                Invitation,
                person=person.person,
                name=name,
                organisation=organisation,
                roles=roles,
                expires_at=self.now + timedelta(days=7),
                trust_sha256=self.trust.digest,
                checkpoint=None,
            )
        )
        own = {**self.fields(identity.verify_key.fingerprint), "device": "poste de travail"}
        enrolment = self.post(
            identity.sign(
                Enrolment.model_validate(
                    {
                        **own,
                        "invitation": invitation,
                        "recipient": identity.recipient,
                        "signing_key": identity.verify_key,
                    }
                )
            )
        )
        person.certificate = self.post(self.certificate(person, enrolment))
        return person

    def certificate(self, person: Person, enrolment: Digest) -> Unverified[Certificate]:
        return self.by_registrar(
            Certificate,
            enrolment=enrolment,
            person=person.person,
            name=person.name,
            organisation=person.organisation,
            roles=person.roles,
            recipient=person.identity.recipient,
            signing_key=person.identity.verify_key,
            not_before=self.now,
            not_after=START + timedelta(days=200),
        )

    def roster(self, version: int = 1, previous: Digest | None = None) -> Unverified[Roster]:
        seated = [person for person in self.people.values() if person.seat]
        return self.by_registrar(
            Roster,
            version=version,
            previous=previous,
            seats=(
                _seat("cdom", SeatKind.DESIGNATED, None),
                _seat("mairie", SeatKind.ELECTED, None),
                _seat("altair", SeatKind.ASSOCIATION, "altair"),
                _seat("invite", SeatKind.GUEST, None),
            ),
            mandates=tuple(
                RosterMandate(
                    mandate=person.mandate,
                    seat=person.seat,
                    person=person.person,
                    capacity=Capacity.TITULAR,
                    from_day=date(2026, 1, 1),
                    to_day=date(2028, 12, 31),
                    decree=None,
                )
                for person in seated
            ),
            approvals=tuple(
                RosterApproval(
                    organisation=code,
                    label=code.title(),
                    rna="W920000000",
                    from_day=date(2026, 1, 1),
                    to_day=date(2028, 12, 31),
                    decree=None,
                )
                for code in ("altair", "nid")
            ),
        )

    def sitting(
        self, *names: str, of: str | None = None, stage: Stage = Stage.CONVOKED, **changes: Any
    ) -> Unverified[Sitting]:
        """The first version of a new sitting, or the next one of sitting ``of``."""
        last = self.sittings.get(of) if of else None
        values = {
            "sitting": of or self.new_id(),
            "version": last.statement.version + 1 if last else 1,
            "previous": last.digest if last else None,
            "roster": _digest_of(facts.latest_roster(self.index)),
            "stage": stage,
            "zone": "Europe/Paris",
            "deposit_by": START + timedelta(days=3),
            "opens_at": START + timedelta(days=4),
            "closes_at": START + timedelta(days=10),
            "urgency": None,
            "second_convocation": False,
            "seats": tuple(
                SittingSeat(
                    seat=self.people[name].seat,
                    label=self.people[name].seat,
                    name=None,
                    person=self.people[name].person,
                    capacity=Capacity.TITULAR,
                    certificates=(self.people[name].certificate,),
                )
                for name in names
            ),
            **changes,
        }
        signed: Unverified[Sitting] = self.by_registrar(Sitting, **values)
        return signed

    def publish_sitting(self, *names: str, of: str | None = None, **changes: Any) -> str:
        signed = self.sitting(*names, of=of, **changes)
        self.post(signed)
        self.sittings[signed.statement.sitting] = signed
        return signed.statement.sitting

    def publish_agenda(self, sitting: str, *deposits: Deposit) -> Digest:
        items: dict[str, list[Deposit]] = {}
        for deposit in deposits:
            items.setdefault(deposit.dossier, []).append(deposit)
        return self.publish_items(
            sitting,
            [
                AgendaItem(
                    association=self.organisation_of(group[0]),
                    dossier=dossier,
                    rank=self.attested[group[0].manifest.digest],
                    manifests=tuple(each.manifest.digest for each in group),
                )
                for dossier, group in items.items()
            ],
        )

    def publish_items(self, sitting: str, items: Sequence[AgendaItem]) -> Digest:
        last = facts.latest_agenda(self.index, sitting)
        version = last.statement.version + 1 if last else 1
        commitments, openings = commit_items(
            AgendaPlace(ORIGIN, sitting, version), items, os.urandom
        )
        signed = self.by_registrar(
            Agenda,
            sitting=sitting,
            version=version,
            previous=last.digest if last else None,
            items=commitments,
        )
        opened = open_whole(signed.statement, ORIGIN, openings)
        self.index.open_items(signed.digest, opened)
        return self.post(signed)

    def organisation_of(self, deposit: Deposit) -> str:
        organisation = facts.association_of(self.index, deposit.manifest.statement)
        assert organisation is not None
        return organisation

    # --- deposits -------------------------------------------------------------------------

    def deposit(
        self, who: Person, sitting: str, *readers: Person, dossier: str = "", **changes: Any
    ) -> Deposit:
        """Begin, seal and commit a deposit for some readers; the depositor's own for grants."""
        ident = self.new_id()
        key = self.begin(who, sitting, ident)
        payload = seal_payload(BytesIO(os.urandom(300)), BytesIO(), entropy=os.urandom)
        entries, envelopes, headers = [], {}, {}
        audience = [(reader, Purpose.READ) for reader in readers] + [(who, Purpose.GRANT)]
        for reader, purpose in audience:
            entry, header, envelope = self.envelope(key, payload.file_key, reader, purpose)
            entries.append(entry)
            envelopes[reader.certificate] = envelope
            headers[reader.certificate] = header
        values = {
            "origin": ORIGIN,
            "sitting": sitting,
            "sitting_sha256": self.sittings[sitting].digest,
            "release_key_sha256": key.digest,
            "dossier": dossier or new_dossier_reference(os.urandom),
            "pathway": self.new_id(),
            "deposit": ident,
            "complement_of": None,
            "urgent": False,
            "kind": Kind.ENGAGEMENT,
            "audience": None,
            "length": payload.length,
            "sha256": payload.sha256,
            "nonce": payload.nonce,
            "commitment": payload.commitment,
            "envelopes": tuple(entries),
            **changes,
        }
        manifest = self.by(who, Manifest, **values)
        self.commit(who, manifest, key)
        return Deposit(
            ident,
            manifest.statement.dossier,
            manifest,
            key,
            envelopes,
            headers,
            payload.file_key,
        )

    def begin(self, who: Person, sitting: str, ident: str) -> Unverified[ReleaseKey]:
        envelope = self.broker.make_release_key(ident, self.sittings[sitting].digest)
        key = parse(ReleaseKey, envelope)
        cites = {
            "release_key": key.digest,
            "certificate": who.certificate,
            "sitting": self.sittings[sitting].digest,
        }
        self.post(key, EventType.DEPOSIT_BEGUN, cites=cites, facts_={"deposit": ident})
        return key

    def resealed_by_the_broker(self, statement: ReleaseKey) -> Unverified[ReleaseKey]:
        """Another statement like this, signed by the broker's own key."""
        other = statement.model_copy(update={"id": self.new_id()})
        return seal(other, [KeyStore(self.directory).statement_seed()])

    def commit(
        self, who: Person, manifest: Unverified[Manifest], key: Unverified[ReleaseKey]
    ) -> None:
        cites = {
            "manifest": manifest.digest,
            "certificate": who.certificate,
            "release_key": key.digest,
            "sitting": self.sittings[manifest.statement.sitting].digest,
        }
        deposit = {"deposit": manifest.statement.deposit}
        self.post(manifest, EventType.DEPOSIT_COMMITTED, cites=cites, facts_=deposit)

    def envelope(
        self, key: Unverified[ReleaseKey], file_key: Any, reader: Person, purpose: Purpose
    ) -> tuple[EnvelopeEntry, bytes, bytes]:
        header = header_for(file_key, reader.identity.recipient, os.urandom)
        envelope = envelope_for(header, key.statement.recipient, os.urandom)
        entry = EnvelopeEntry(
            certificate=reader.certificate,
            purpose=purpose,
            header_sha256=sha256(header),
            envelope_sha256=sha256(envelope),
        )
        return entry, header, envelope

    def grant(self, who: Person, deposit: Deposit, reader: Person) -> Digest:
        entry, header, envelope = self.envelope(
            deposit.release_key, deposit.file_key, reader, Purpose.READ
        )
        deposit.envelopes[reader.certificate] = envelope
        deposit.headers[reader.certificate] = header
        signed = self.by(
            who,
            Grant,
            manifest=deposit.manifest.digest,
            release_key_sha256=deposit.release_key.digest,
            envelopes=(entry,),
            reason="nouvel appareil",
        )
        cites = {
            "grant": signed.digest,
            "manifest": deposit.manifest.digest,
            "certificate": who.certificate,
        }
        return self.post(signed, EventType.GRANT_ADDED, cites=cites, facts_={})

    # --- a member's acts ------------------------------------------------------------------

    def undertake(self, who: Person) -> Digest:
        text = sha256(b"engagement")
        return self.post(self.by(who, Undertaking, mandate=who.mandate, text_sha256=text))

    def declare(self, who: Person, sitting: str, *deposits: Deposit) -> Digest:
        dossiers = tuple(deposit.dossier for deposit in deposits)
        return self.post(self.by(who, Declaration, sitting=sitting, dossiers=dossiers))

    def recuse(self, who: Person, sitting: str, *deposits: Deposit, **how: Any) -> Digest:
        dossiers = tuple(deposit.dossier for deposit in deposits)
        return self.post(self.by(who, Recusal, sitting=sitting, dossiers=dossiers), **how)

    def revoke(self, who: Person, **how: Any) -> Digest:
        signed = self.by_registrar(Revocation, certificate=who.certificate, reason="appareil perdu")
        return self.post(signed, **how)

    def withdraw(self, who: Person, deposit: Deposit, **how: Any) -> Digest:
        return self.post(
            self.by(who, Withdrawal, dossier=deposit.dossier, reason="à la demande"), **how
        )

    def close(self, sitting: str, **how: Any) -> Digest:
        digest = self.sittings[sitting].digest
        return self.post(self.by_registrar(Closing, sitting=sitting, sitting_sha256=digest), **how)

    def destroy(self, because: Digest) -> Unverified[Destruction]:
        signed = parse(Destruction, self.broker.destroy(because))
        cites = {"destruction": signed.digest, "because": because}
        self.post(signed, EventType.KEY_DESTROYED, cites=cites, facts_={})
        return signed

    def request(self, who: Person, sitting: str, *deposits: Deposit, **changes: Any) -> Request:
        reply = HybridIdentity.generate(os.urandom)
        values = {
            "sitting": sitting,
            "sitting_sha256": self.sittings[sitting].digest,
            "deposits": tuple(deposit.deposit for deposit in deposits),
            "purpose": Purpose.READ,
            "nonce": os.urandom(32),
            "reply_key": recipient_of(reply),
            "checkpoint": self.log.integrate().decode(),
            **changes,
        }
        return Request(self.by(who, AccessRequest, **values), reply)

    def authorise(
        self, request: Request, deposit: Deposit, *, at: datetime | None = None, **changes: Digest
    ) -> int:
        """Log ``release.authorised``, lawful or not; the index of the event."""
        statement = request.signed.statement
        self.envelopes[request.digest] = request.signed.envelope
        cites = {
            "access_request": request.digest,
            **facts.cited(
                self.index,
                certificate=statement.signer,
                sitting=statement.sitting,
                deposit=deposit.deposit,
                purpose=statement.purpose,
            ),
            **changes,
        }
        deposit_facts = {"deposit": deposit.deposit, "purpose": statement.purpose.value}
        return self.log_event(EventType.RELEASE_AUTHORISED, cites, deposit_facts, at)

    def shown(self, request: Request, deposit: Deposit, index: int, **changes: Any) -> OpenRequest:
        """What the server shows the broker: the statements in force, and the release's receipt."""
        statement = request.signed.statement
        rests_on = facts.cited(
            self.index,
            certificate=statement.signer,
            sitting=statement.sitting,
            deposit=deposit.deposit,
            purpose=statement.purpose,
        )
        values: dict[str, Any] = {
            "access_request": request.signed.envelope,
            "statements": tuple(self.attest(digest) for digest in rests_on.values()),
            "release": self.receipt(index),
            "deposit": deposit.deposit,
            "envelope": deposit.envelopes.get(statement.signer, b""),
            "item": self.opening_of(statement.sitting, deposit.manifest.digest),
            **changes,
        }
        return OpenRequest(**values)

    def opening_of(self, sitting: str, manifest: Digest) -> AgendaOpening | None:
        """The opening of the line that lists a deposit on the agenda in force."""
        agenda = facts.latest_agenda(self.index, sitting)
        shown = self.index.opened(agenda.digest) if agenda else ()
        found = (each.shown for each in shown if each.item and manifest in each.item.manifests)
        return next(found, None)

    def release(self, who: Person, sitting: str, deposit: Deposit) -> tuple[Request, bytes]:
        """The whole honest path; the request and the broker's answer."""
        request = self.request(who, sitting, deposit)
        index = self.authorise(request, deposit)
        return request, self.broker.open(self.shown(request, deposit, index))

    # --- the usual situation --------------------------------------------------------------

    people: dict[str, Person] = field(default_factory=dict)

    def found(self) -> None:
        """Trust, people and roster; nobody's sitting yet."""
        self.publish_trust()
        for name, organisation, seat, roles in (
            ("Claire Vasseur", "cdom", "cdom", (Role.MEMBER,)),
            ("Martin Lebrun", "mairie", "mairie", (Role.MEMBER,)),
            ("Odile Ferrand", "altair", "altair", (Role.MEMBER,)),
            ("Nadia Roche", "altair", "", (Role.DEPOSITOR,)),
            ("Paul Tessier", "nid", "", (Role.DEPOSITOR,)),
            ("Irène Caron", "prefecture", "", (Role.AUDITOR,)),
        ):
            person = self.enrol(name, organisation, *roles)
            person.seat, person.mandate = seat, self.new_id() if seat else ""
            self.people[name.split()[0].lower().replace("è", "e")] = person
        self.post(self.roster())


def _seat(code: str, kind: SeatKind, organisation: str | None) -> RosterSeat:
    return RosterSeat(
        seat=code,
        kind=kind,
        label=code,
        voting=True,
        alternates=kind is not SeatKind.DESIGNATED,
        organisation=organisation,
        basis=None,
    )


def _digest_of(accepted: Accepted[Any] | None) -> Digest:
    assert accepted is not None
    return accepted.digest


@dataclass
class Scene:
    """A convoked sitting whose window is open, one deposit, one member ready to read it."""

    world: World
    sitting: str
    deposit: Deposit
    other: Deposit
    """Another association's, on the same agenda."""
    member: Person
    depositor: Person


def open_scene(directory: Path) -> Scene:
    """The usual situation, in which an honest release succeeds."""
    return furnish(World(directory))


def furnish(world: World) -> Scene:
    """The usual situation in a new world."""
    world.found()
    claire, nadia, paul = (world.people[name] for name in ("claire", "nadia", "paul"))
    odile = world.people["odile"]
    sitting = world.publish_sitting("claire", "odile")
    deposit = world.deposit(nadia, sitting, claire)
    other = world.deposit(paul, sitting, claire, odile)
    world.publish_agenda(sitting, deposit, other)
    world.advance(days=5)
    world.undertake(claire)
    world.declare(claire, sitting, deposit, other)
    return Scene(world, sitting, deposit, other, claire, nadia)
