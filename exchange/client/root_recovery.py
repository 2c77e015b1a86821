"""The roots permit a log to go on from a restored backup: signed off line, by their threshold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from audit.checkpoint import Checkpoint
from crypto.edge.identity import Identity
from crypto.encoding import new_opaque_id
from crypto.keys import Entropy
from crypto.statements import Unverified, parse
from crypto.statements.custody import Recovery
from crypto.trust import Trust


def sign(
    trust: Trust,
    note: bytes,
    reason: str,
    roots: Sequence[Identity],
    now: datetime,
    entropy: Entropy,
) -> Unverified[Recovery]:
    """A recovery to the checkpoint ``note`` with the signature of every root given; raises
    LogFormatError for what is no checkpoint.
    """
    Checkpoint.of_note(note)
    statement = Recovery(
        commission=trust.commission,
        id=new_opaque_id(entropy),
        issued_at=now.replace(microsecond=0),
        signer=roots[0].verify_key.fingerprint,
        checkpoint=note.decode(),
        reason=reason,
    )
    return countersign(roots[0].sign(statement), roots[1:])


def countersign(signed: Unverified[Recovery], roots: Sequence[Identity]) -> Unverified[Recovery]:
    """The same statement with more signatures."""
    outer: dict[str, Any] = json.loads(signed.envelope)
    for root in roots:
        outer["signatures"] += json.loads(root.sign(signed.statement).envelope)["signatures"]
    return parse(Recovery, json.dumps(outer, separators=(",", ":")).encode())
