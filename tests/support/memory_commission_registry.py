"""What the fictional commission's roots and registrar sign: trust, people, seats, sittings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from audit.policy import LogPolicy
from crypto.age.identities import recipient_of
from crypto.digests import Digest
from crypto.keys import HybridIdentity, PartySigningSeed, Recipient, SigningSeed
from crypto.statements import Unverified
from crypto.statements.registry import (
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
from exchange.usecases.accept_statement import AcceptedStatement, accept_statement
from exchange.usecases.enrol import enrol
from exchange.usecases.facts import latest_sitting
from exchange.usecases.service import Caller
from tests.support.log_world import ORIGIN
from tests.support.memory_commission_service import CommissionService, Person

FROM, TO = date(2026, 1, 1), date(2028, 12, 31)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@dataclass(frozen=True)
class SeatOf:
    """A line of the roster and the person who holds it."""

    seat: str
    kind: SeatKind
    person: Person
    organisation: str | None = None
    capacity: Capacity = Capacity.TITULAR
    alternates: bool = True


@dataclass
class CommissionRegistry(CommissionService):
    """The register: who is admitted, who holds a seat, when they sit."""

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

    def closing(self) -> Unverified[Closing]:
        return self.by_registrar(
            Closing, sitting=self.sitting_id, sitting_sha256=self.sitting_digest()
        )
