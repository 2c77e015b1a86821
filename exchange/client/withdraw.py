"""Withdrawing a dossier: its keys are destroyed by the broker, here and everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.digests import Digest
from crypto.statements import parse
from crypto.statements.custody import Cause, Destruction
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.registry import Closing
from exchange.client.desk import Desk
from exchange.client.errors import NotTrustworthyError
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested


@dataclass(frozen=True)
class Ended:
    """A withdrawal or closing, with the broker's word that the keys are gone (None: not yet)."""

    statement: Digest
    destroyed: int | None


def withdraw(desk: Desk, reference: str, reason: str) -> Ended:
    """Withdraw a dossier; done when the broker confirms it."""
    unverified = desk.draft(Withdrawal, dossier=reference, reason=reason)
    accepted, destruction = desk.submit_and_confirm(unverified)
    for kept in desk.load(Manifest, dossier=reference):
        desk.profile.forget_filekey(kept.statement.deposit)
    return Ended(accepted.digest, check_destruction(desk, destruction, accepted, Cause.WITHDRAWAL))


def check_destruction(
    desk: Desk,
    destruction: Attested | None,
    because: Accepted[Withdrawal] | Accepted[Closing],
    cause: Cause,
) -> int | None:
    """How many release keys the broker signed to have destroyed; None without a statement yet."""
    if destruction is None:
        return None
    unverified = parse(Destruction, destruction.envelope)
    claimed = unverified.statement
    if claimed.because != because.digest or claimed.cause is not cause:
        raise NotTrustworthyError(
            "Le procès-verbal de destruction remis est celui d'un autre acte : demandez au gardien des "
            "clés ce qu'il a détruit."
        )
    taken = desk.view.need(Destruction, unverified.digest)  # verified when it came
    desk.profile.keep_statement(taken.digest, destruction.envelope)
    desk.profile.keep_receipt(taken.digest, destruction.receipt)
    return len(taken.statement.release_keys)
