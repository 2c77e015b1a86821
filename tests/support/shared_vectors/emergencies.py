"""Checkpoints with too few witnesses, and what a registrar's emergency makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from audit.checkpoint import Checkpoint
from audit.note import KeyType, Note
from crypto.keys import PartySigningSeed
from crypto.statements import seal
from crypto.statements.custody import Emergency
from crypto.statements.registry import RegistrarKey, TrustPolicy
from tests.support.log_world import ORIGIN, signer
from tests.support.shared_vectors.encoded import Case
from tests.support.shared_vectors.trust import OLD, TRUST
from tests.support.statement_samples import COMMON, FIELDS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
REGISTRAR, STRANGER = (PartySigningSeed(bytes([number]) * 32) for number in (31, 32))
LOG = signer(ORIGIN)
WITNESSES = {
    name: signer(f"{name}.example", KeyType.COSIGNATURE_V1, seed)
    for seed, name in enumerate(("broker", "prefecture", "tribunal", "spare"), start=41)
}


def _policy() -> str:
    lines = [f"witness {name} {key.verifier}" for name, key in WITNESSES.items()]
    fields = {
        **FIELDS["trust-policy"],
        "expires_at": NOON + 300 * DAY,
        "origin": ORIGIN,
        "log_keys": (str(LOG.verifier),),
        "registrar_keys": (RegistrarKey(key=REGISTRAR.verify_key(), not_after=NOON + 300 * DAY),),
        "witness_policy": "\n".join(
            [*lines, "group both all prefecture tribunal", "quorum both\n"]
        ),
        "roots": TRUST.root_keys,
        "threshold": 2,
    }
    return seal(TrustPolicy(**{**COMMON, **fields}), OLD[:2]).envelope.decode()


def _emergency(key: PartySigningSeed = REGISTRAR, **changes: Any) -> str:
    fields = {
        **COMMON,
        "issued_at": NOON,
        "signer": REGISTRAR.verify_key().fingerprint,
        "quorum": 1,
        "expires_at": NOON + DAY,
        "reason": "Panne du témoin.",
    }
    return seal(Emergency(**{**fields, **changes}), [key]).envelope.decode()


def _note(*names: str, at: datetime = NOON) -> str:
    text = Checkpoint(ORIGIN, 1, bytes(32)).to_text()
    time = int(at.timestamp())
    cosigned = [WITNESSES[name].cosign(text, time) for name in names]
    return Note(text, (*LOG.sign(text), *cosigned)).to_bytes().decode()


def build() -> dict[str, list[Case]]:
    one, zero, both = _note("broker", "tribunal"), _note("broker"), ("prefecture", "tribunal")
    minutes, second = timedelta(minutes=5), timedelta(seconds=1)
    other = STRANGER.verify_key().fingerprint
    rows: list[tuple[str, list[str], str, bool]] = [
        ("the full quorum", [], _note("broker", *both), True),
        ("one of two without an emergency", [], one, False),
        ("one of two, and one is enough", [_emergency()], one, True),
        ("none, and one is enough", [_emergency()], zero, False),
        ("none, and none is enough", [_emergency(quorum=0)], zero, True),
        ("a witness on no line of the quorum", [_emergency()], _note("broker", "spare"), False),
        ("without the broker", [_emergency(quorum=0)], _note(*both), False),
        (
            "five minutes before",
            [_emergency()],
            _note("broker", "tribunal", at=NOON - minutes),
            True,
        ),
        ("earlier", [_emergency()], _note("broker", "tribunal", at=NOON - minutes - second), False),
        (
            "the last second",
            [_emergency()],
            _note("broker", "tribunal", at=NOON + DAY - second),
            True,
        ),
        ("at its end", [_emergency()], _note("broker", "tribunal", at=NOON + DAY), False),
        ("a week", [_emergency(expires_at=NOON + 7 * DAY)], one, True),
        ("more than a week", [_emergency(expires_at=NOON + 7 * DAY + second)], one, False),
        ("ended before it began", [_emergency(expires_at=NOON)], one, False),
        ("signed by another", [_emergency(STRANGER)], one, False),
        ("another's emergency", [_emergency(STRANGER, signer=other)], one, False),
        ("of another commission", [_emergency(commission="b" * 25 + "a")], one, False),
        ("a good one after a bad one", [_emergency(STRANGER), _emergency()], one, True),
    ]
    policy = _policy()
    return {
        "checkpoints": [
            {
                "name": name,
                "trust_json": TRUST.to_json().decode(),
                "policies": [policy],
                "emergencies": emergencies,
                "note": note,
                "error": None if counts else "verification",
            }
            for name, emergencies, note, counts in rows
        ]
    }
