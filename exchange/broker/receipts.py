"""Receipts as the broker believes them: under its own trust policy, its own head, its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from audit.errors import AuditError
from audit.policy import BROKER, LogPolicy
from audit.receipts import VerifiedReceipt, verify_receipt
from crypto.statements import Statement, Unverified
from crypto.statements.custody import Emergency
from crypto.trust import TrustedPolicy
from exchange.broker.desk import Desk
from exchange.broker.refusals import Why, refusal
from exchange.broker.witness import head_of
from exchange.usecases.emergency import log_rules, permitted_by
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.recording import records

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the server's clock and the broker's may differ (NTP keeps them within a second)."""


def log_policy(
    desk: Desk, trusted: TrustedPolicy, shown: Sequence[Unverified[Emergency]] = ()
) -> LogPolicy:
    """Whose signatures a checkpoint needs by a trust policy and by the emergencies that this broker
    knows, or is being ``shown``; raises BrokerRefusalError.
    """
    try:
        rules = log_rules(trusted, shown)
    except AuditError as error:
        raise refusal(Why.CHAIN, error.message, **error.params) from error
    known = [permitted_by(trusted, each.statement) for each in desk.ledger.index.find(Emergency)]
    return rules.with_lowered((*rules.lowered, *(each for each in known if each is not None)))


def verified_receipt(desk: Desk, data: bytes) -> VerifiedReceipt:
    """A receipt under the trust policy in force and under the broker's own head."""
    return receipt_under(desk, data, [log_policy(desk, desk.require_policy())])


def receipt_under(desk: Desk, data: bytes, policies: Sequence[LogPolicy]) -> VerifiedReceipt:
    """A receipt that holds by one of the policies; raises BrokerRefusalError with the first reason."""
    failure: BrokerRefusalError | None = None
    for policy in policies:
        try:
            receipt = verify_receipt(data, policy)
        except AuditError as error:
            failure = failure or refusal(Why.BAD_RECEIPT, error.message, **error.params)
            continue
        try:
            _require_own_key(desk, policy)
            _require_below_head(desk, receipt)
        except BrokerRefusalError as error:
            failure = failure or error
        else:
            return receipt
    assert failure is not None
    raise failure


def require_own_cosignature(desk: Desk, receipt: VerifiedReceipt) -> None:
    """The receipt's checkpoint must carry this broker's cosignature of the last minutes.

    The broker signs only what extends its head, so its own signature proves consistency; its time
    proves that the log could still grow then, and that nobody shows a frozen past.
    """
    time = receipt.checkpoint.cosigned[BROKER]
    if abs(desk.now.timestamp() - time) > CLOCK_TOLERANCE.total_seconds():
        raise refusal(
            Why.STALE_CHECKPOINT,
            "Le point de contrôle présenté n'a pas été cosigné dans les cinq dernières minutes : "
            "demandez-en un nouveau au journal.",
        )


def require_recorded(receipt: VerifiedReceipt, unverified: Unverified[Statement]) -> None:
    """The receipt must be of the event that records this very statement."""
    if not records(receipt.details, type(unverified.statement), unverified.digest):
        raise refusal(
            Why.BAD_RECEIPT, "Ce récépissé est celui d'un autre événement que cette déclaration."
        )


def effective_time(desk: Desk, receipt: VerifiedReceipt) -> datetime:
    """When a statement counts as made: never before what the log holds before it.

    The server writes the times. Were they taken as they are, it could log today, with yesterday's
    date, an act by a key that was revoked in between.
    """
    if receipt.details.at > desk.now + CLOCK_TOLERANCE:
        raise refusal(Why.CLOCK, "Cet événement est daté du futur : vérifiez l'heure du serveur.")
    return max(receipt.details.at, desk.ledger.latest_before(receipt.index))


def _require_own_key(desk: Desk, policy: LogPolicy) -> None:
    """The witness named ``broker`` must be this one: its signature is this broker's memory."""
    named = {witness.verifier for witness in policy.witnesses.witnesses if witness.name == BROKER}
    if named != {desk.cosigner}:
        raise refusal(
            Why.NOT_THE_BROKER,
            "La politique de témoins désigne un autre gardien des clés que celui-ci.",
        )


def _require_below_head(desk: Desk, receipt: VerifiedReceipt) -> None:
    head, shown = head_of(desk), receipt.checkpoint.checkpoint
    # Signed by this broker and yet beyond its head, or different at the same size: its own store
    # was set back. It then knows nothing reliable, and opens nothing.
    ahead = head is None or shown.size > head.size
    if ahead or (head is not None and shown.size == head.size and shown.root != head.root):
        raise refusal(
            Why.BAD_RECEIPT,
            "Ce récépissé va plus loin que ce que le gardien des clés a cosigné : son répertoire a "
            "été remis en arrière, suivez la procédure de reprise.",
        )
