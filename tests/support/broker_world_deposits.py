"""What depositors give the small commission, and the agenda that lists it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from audit.events import EventType
from crypto.digests import Digest, sha256
from crypto.edge.seal import SealedPayload, envelope_for, header_for, seal_payload
from crypto.encoding import new_dossier_reference
from crypto.statements import Unverified, parse, seal
from crypto.statements.agenda import AgendaItem, AgendaOpening
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import EnvelopeEntry, Grant, Kind, Manifest, Purpose, Withdrawal
from exchange.broker.keystore import KeyStore
from exchange.usecases import facts
from tests.support.broker_world_log import ORIGIN
from tests.support.broker_world_registry import Person, WorldRegistry


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
class WorldDeposits(WorldRegistry):
    """Deposits sealed to the broker's keys, in whatever way the test wants."""

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
        if dossier:
            changes["dossier"] = dossier
        values = self.manifest_fields(sitting, key, ident, payload, entries)
        manifest = self.by(who, Manifest, **{**values, **changes})
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

    def manifest_fields(
        self,
        sitting: str,
        key: Unverified[ReleaseKey],
        deposit: str,
        payload: SealedPayload,
        entries: Sequence[EnvelopeEntry],
    ) -> dict[str, Any]:
        """What the manifest of a new dossier says."""
        return {
            "origin": ORIGIN,
            "sitting": sitting,
            "sitting_sha256": self.sittings[sitting].digest,
            "release_key_sha256": key.digest,
            "dossier": new_dossier_reference(os.urandom),
            "pathway": self.new_id(),
            "deposit": deposit,
            "complement_of": None,
            "urgent": False,
            "kind": Kind.ENGAGEMENT,
            "audience": None,
            "length": payload.length,
            "sha256": payload.sha256,
            "nonce": payload.nonce,
            "commitment": payload.commitment,
            "envelopes": tuple(entries),
        }

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

    def withdraw(self, who: Person, deposit: Deposit, **how: Any) -> Digest:
        return self.post(
            self.by(who, Withdrawal, dossier=deposit.dossier, reason="à la demande"), **how
        )

    def destroy(self, because: Digest) -> Unverified[Destruction]:
        signed = parse(Destruction, self.broker.destroy(because))
        cites = {"destruction": signed.digest, "because": because}
        self.post(signed, EventType.KEY_DESTROYED, cites=cites, facts_={})
        return signed

    # --- the agenda -----------------------------------------------------------------------

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

    def organisation_of(self, deposit: Deposit) -> str:
        organisation = facts.association_of(self.index, deposit.manifest.statement)
        assert organisation is not None
        return organisation

    def opening_of(self, sitting: str, manifest: Digest) -> AgendaOpening | None:
        """The opening of the line that lists a deposit on the agenda in force."""
        agenda = facts.latest_agenda(self.index, sitting)
        shown = self.index.opened(agenda.digest) if agenda else ()
        found = (each.shown for each in shown if each.item and manifest in each.item.manifests)
        return next(found, None)
