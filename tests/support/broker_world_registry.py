"""What the small commission's root and its registrar sign: trust, people, seats, sittings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from audit.policy import LogPolicy
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.keys import MasterSeed
from crypto.statements import Unverified, seal
from crypto.statements.agenda import AgendaItem, AgendaPlace, commit_items, open_whole
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
from exchange.usecases import facts
from exchange.usecases.ledger import Accepted
from tests.support.broker_world_log import ORIGIN, WorldLog


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
class WorldRegistry(WorldLog):
    """A register that signs whatever the test wants, in the registrar's name."""

    people: dict[str, Person] = field(default_factory=dict)

    # --- trust and people -----------------------------------------------------------------

    def trust_policy(self, version: int = 1, **changes: Any) -> Unverified[TrustPolicy]:
        statement = TrustPolicy.model_validate(
            {
                **self.fields(self.root.verify_key().fingerprint),
                "version": version,
                "expires_at": self.began + timedelta(days=365),
                "origin": ORIGIN,
                "log_keys": (str(self.log_signer.verifier),),
                "broker_keys": (self.broker_keys.statement_key,),
                "registrar_keys": (
                    RegistrarKey(
                        key=self.registrar.verify_key(), not_after=self.began + timedelta(days=300)
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
            not_after=self.began + timedelta(days=200),
        )

    def revoke(self, who: Person, **how: Any) -> Digest:
        signed = self.by_registrar(Revocation, certificate=who.certificate, reason="appareil perdu")
        return self.post(signed, **how)

    # --- meetings -------------------------------------------------------------------------

    def roster(self, version: int = 1, previous: Digest | None = None) -> Unverified[Roster]:
        seated = [person for person in self.people.values() if person.seat]
        return self.by_registrar(
            Roster,
            version=version,
            previous=previous,
            seats=(
                roster_seat("cdom", SeatKind.DESIGNATED, None),
                roster_seat("mairie", SeatKind.ELECTED, None),
                roster_seat("altair", SeatKind.ASSOCIATION, "altair"),
                roster_seat("invite", SeatKind.GUEST, None),
            ),
            mandates=tuple(titular_mandate(person) for person in seated),
            approvals=tuple(approval(code) for code in ("altair", "nid")),
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
            "deposit_by": self.began + timedelta(days=3),
            "opens_at": self.began + timedelta(days=4),
            "closes_at": self.began + timedelta(days=10),
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

    def close(self, sitting: str, **how: Any) -> Digest:
        digest = self.sittings[sitting].digest
        return self.post(self.by_registrar(Closing, sitting=sitting, sitting_sha256=digest), **how)


def titular_mandate(person: Person) -> RosterMandate:
    """The person's mandate as the titular of their seat."""
    return RosterMandate(
        mandate=person.mandate,
        seat=person.seat,
        person=person.person,
        capacity=Capacity.TITULAR,
        from_day=date(2026, 1, 1),
        to_day=date(2028, 12, 31),
        decree=None,
    )


def approval(code: str) -> RosterApproval:
    """An association's approval."""
    return RosterApproval(
        organisation=code,
        label=code.title(),
        rna="W920000000",
        from_day=date(2026, 1, 1),
        to_day=date(2028, 12, 31),
        decree=None,
    )


def roster_seat(code: str, kind: SeatKind, organisation: str | None) -> RosterSeat:
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
