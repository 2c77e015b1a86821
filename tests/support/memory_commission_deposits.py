"""What depositors of the fictional commission give, and the agenda that lists it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.age.encrypt import encrypt_to
from crypto.age.identities import recipient_of
from crypto.age.layout import payload_length
from crypto.age.wrap import make_header
from crypto.digests import Digest, sha256
from crypto.encoding import new_dossier_reference
from crypto.keys import FileKey, HybridIdentity, Recipient
from crypto.statements import Unverified
from crypto.statements.agenda import AgendaItem, AgendaPlace, commit_items
from crypto.statements.exchange import EnvelopeEntry, Grant, Kind, Manifest, Purpose, Withdrawal
from crypto.statements.registry import Agenda
from exchange.usecases.accept_statement import AcceptedStatement
from exchange.usecases.add_grant import add_grant
from exchange.usecases.begin_deposit import begin_deposit
from exchange.usecases.commit_deposit import commit_deposit
from exchange.usecases.facts import latest_agenda
from exchange.usecases.put_part import put_part
from tests.support.log_world import ORIGIN, CountedEntropy
from tests.support.memory_commission_registry import CommissionRegistry
from tests.support.memory_commission_service import Person

NONCE = b"nonce-of-16-byte"


@dataclass
class Deposited:
    """A deposit as its depositor knows it."""

    deposit: str
    dossier: str
    manifest: Unverified[Manifest]
    payload: bytes
    envelopes: tuple[bytes, ...]
    receipt: bytes = b""


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
class CommissionDeposits(CommissionRegistry):
    """Deposits in each of their steps, or whole."""

    pathway = "a" * 26

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

    # --- the agenda ------------------------------------------------------------------------

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
