"""One honest statement of each type, for tests of the statements themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from crypto.age.identities import recipient_of
from crypto.digests import Digest
from crypto.keys import HybridIdentity, PartySigningSeed
from crypto.statements import STATEMENT_TYPES, Statement
from crypto.statements.custody import ArchivesVisa, BundleFile, IndexRange
from crypto.statements.exchange import EnvelopeEntry
from crypto.statements.presence import SeatPresence
from crypto.statements.registry import (
    RegistrarKey,
    RosterApproval,
    RosterMandate,
    RosterSeat,
    SittingSeat,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DIGEST = Digest("0" * 63 + "1")
ID = "b" * 25 + "a"
ROOTS = tuple(PartySigningSeed(bytes([number]) * 32) for number in range(1, 6))
KEY = ROOTS[0].verify_key()
RECIPIENT = recipient_of(HybridIdentity(b"m" * 32))
COMMON: dict[str, Any] = {"commission": "a" * 26, "id": ID, "issued_at": NOW, "signer": DIGEST}
_ENVELOPES = (
    EnvelopeEntry(certificate=DIGEST, purpose="read", header_sha256=DIGEST, envelope_sha256=DIGEST),
)
_SEAT = RosterSeat(
    seat="cdom", kind="designated", label="Ordre des médecins", voting=True, alternates=True,
    organisation=None, basis="CASF R121-12-7, 9°",
)  # fmt: skip
_MANDATE = RosterMandate(
    mandate=ID, seat="cdom", person=ID, capacity="titular", from_day=date(2026, 1, 1),
    to_day=date(2028, 12, 31), decree="2026-17",
)  # fmt: skip
_APPROVAL = RosterApproval(
    organisation="altair", label="Altaïr", rna="W922000000", from_day=date(2026, 1, 1),
    to_day=date(2028, 12, 31), decree="2026-17",
)  # fmt: skip
_CHAIN: dict[str, Any] = {"version": 1, "previous": None}
_WINDOW: dict[str, Any] = {"opens_at": NOW, "closes_at": NOW + timedelta(days=1)}

FIELDS: dict[str, dict[str, Any]] = {
    "trust-policy": {
        "version": 1, "expires_at": NOW, "origin": "dossiers.example/log", "log_keys": ("log+key",),
        "broker_keys": (KEY,), "registrar_keys": (RegistrarKey(key=KEY, not_after=NOW),),
        "witness_policy": "quorum none", "roots": (KEY,), "threshold": 1,
    },
    "invitation": {
        "person": ID, "name": "Camille Exemple", "organisation": "altair", "roles": ("depositor",),
        "expires_at": NOW, "trust_sha256": DIGEST, "checkpoint": None,
    },
    "enrolment": {
        "invitation": DIGEST, "device": "portable", "recipient": RECIPIENT, "signing_key": KEY,
    },
    "certificate": {
        "enrolment": DIGEST, "person": ID, "name": "Camille Exemple", "organisation": "altair",
        "roles": ("depositor", "member"), "recipient": RECIPIENT, "signing_key": KEY,
        "not_before": NOW, "not_after": NOW,
    },
    "revocation": {"certificate": DIGEST, "reason": "Appareil perdu."},
    "roster": {**_CHAIN, "seats": (_SEAT,), "mandates": (_MANDATE,), "approvals": (_APPROVAL,)},
    "sitting": {
        "sitting": ID, **_CHAIN, "roster": DIGEST, "stage": "convoked", "zone": "Europe/Paris",
        "deposit_by": NOW, **_WINDOW, "urgency": None, "second_convocation": False,
        "seats": (
            SittingSeat(
                seat="cdom", label="Ordre des médecins", name="Jérôme Chimère", person=ID,
                capacity="titular", certificates=(DIGEST,),
            ),
        ),
    },
    "agenda": {
        "sitting": ID, **_CHAIN,
        "items": tuple(bytes([number]) * 32 for number in range(64)),
    },
    "closing": {"sitting": ID, "sitting_sha256": DIGEST},
    "manifest": {
        "origin": "dossiers.example/log", "sitting": ID, "sitting_sha256": DIGEST,
        "release_key_sha256": DIGEST, "dossier": "k7qf2-m3xta", "pathway": ID, "deposit": ID,
        "complement_of": None, "urgent": False, "kind": "renewal", "audience": None, "length": 1000,
        "sha256": DIGEST, "nonce": b"n" * 16, "commitment": b"c" * 32, "envelopes": _ENVELOPES,
    },
    "complement-request": {
        "sitting": ID, "dossier": "k7qf2-m3xta", "pieces": ("bilan",), "answer_by": NOW,
    },
    "grant": {"manifest": DIGEST, "release_key_sha256": DIGEST, "envelopes": _ENVELOPES, "reason": "Nouvel appareil."},
    "proxy": {"sitting": ID, "holder": "prefet"},
    "attendance": {"sitting": ID, "seats": (SeatPresence(seat="cdom", presence="remote"),)},
    "undertaking": {"mandate": ID, "text_sha256": DIGEST},
    "declaration": {"sitting": ID, "dossiers": ("k7qf2-m3xta",)},
    "recusal": {"sitting": ID, "dossiers": ("k7qf2-m3xta",)},
    "access-request": {
        "sitting": ID, "sitting_sha256": DIGEST, "deposits": (ID,), "purpose": "read",
        "nonce": b"n" * 32, "reply_key": RECIPIENT, "checkpoint": "dossiers.example/log\n1\nAA==\n",
    },
    "withdrawal": {"dossier": "k7qf2-m3xta", "reason": "Demande de la personne."},
    "complaint": {
        "manifest": DIGEST, "header_sha256": DIGEST, "fault": "other-file-key", "found": b"f" * 32,
    },
    "opinion": {"dossier": "k7qf2-m3xta", "payload_sha256": DIGEST},
    "decision": {"dossier": "k7qf2-m3xta", "payload_sha256": DIGEST},
    "login": {"origin": "dossiers.example/log", "nonce": b"n" * 32, "expires_at": NOW},
    "release-key": {
        "deposit": ID, "sitting": ID, "sitting_sha256": DIGEST, "recipient": RECIPIENT, **_WINDOW,
    },
    "status": {
        "nonce": b"n" * 32, "number": 7, "trust_version": 1, "sitting": None, "agenda": DIGEST,
        "revoked": DIGEST, "includes": (),
    },
    "destruction": {"release_keys": (DIGEST,), "cause": "closing", "because": DIGEST},
    "hold": {"dossiers": ("k7qf2-m3xta",), "until": NOW, "reason": "Recours."},
    "purge": {
        "sitting": ID, "deposits": (ID,), "reason": "Fin de conservation.",
        "visa": ArchivesVisa(reference="AD 2026-17", day=NOW.date()),
    },
    "retention": {"ranges": (IndexRange(first=0, last=9),), "rule": "12 mois"},
    "attestation": {
        "ranges": (IndexRange(first=0, last=9),), "checkpoint": "texte", "verdict": "Conforme.",
    },
    "emergency": {"quorum": 0, "expires_at": NOW, "reason": "Panne du témoin."},
    "recovery": {"checkpoint": "texte", "reason": "Base restaurée."},
    "bundle-index": {
        "checkpoint": "texte", "files": (BundleFile(path="log/checkpoint", sha256=DIGEST, length=1),),
    },
}  # fmt: skip


def sample(kind: type[Statement], /, **changes: Any) -> Statement:
    """An honest statement of that type, with some fields otherwise."""
    return kind(**{**COMMON, **FIELDS[kind.TYPE], **changes})


def samples() -> tuple[Statement, ...]:
    """One of each type."""
    return tuple(sample(kind) for kind in STATEMENT_TYPES.values())
