"""Fresh statuses: what the broker has acknowledged, answered to a client's nonce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crypto.digests import Digest
from crypto.errors import MalformedError
from crypto.statements.custody import Status
from crypto.statements.fields import MAX_ITEMS
from exchange.broker.desk import Desk
from exchange.broker.refusals import Why, refusal
from exchange.usecases.facts import latest_agenda, latest_sitting, revoked_digest

NONCE_BYTES: Final = 32


def make_status(desk: Desk, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
    """A ``status`` envelope. Its number was never used before, by any process."""
    policy = desk.require_policy()
    if len(nonce) != NONCE_BYTES or len(includes) > MAX_ITEMS:
        raise refusal(Why.MALFORMED, "Cette demande d'état n'est pas conforme.")
    index = desk.ledger.index
    latest = latest_sitting(index, sitting) if sitting else None
    agenda = latest_agenda(index, sitting) if sitting else None
    number = desk.state.status_number + 1
    # Saved before it is signed: after a crash a number may be skipped, never used twice.
    version = policy.policy.version
    desk.save_state(status_number=number, trust_version=version)
    try:
        statement = Status.model_validate(
            {
                **desk.new_fields(),
                "nonce": nonce,
                "number": number,
                "trust_version": version,
                "sitting": latest.digest if latest else None,
                "agenda": agenda.digest if agenda else None,
                "revoked": revoked_digest(index),
                "includes": tuple(each for each in includes if index.get(each) is not None),
            }
        )
    except (MalformedError, ValueError) as error:
        raise refusal(Why.MALFORMED, "Cette demande d'état n'est pas conforme.") from error
    return desk.sign(statement).envelope
