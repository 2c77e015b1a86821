"""What ends: keys destroyed at withdrawal and closing, ciphertexts purged, details erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from crypto.digests import Digest
from crypto.statements.custody import Cause, Destruction, Purge, ReleaseKey
from crypto.statements.exchange import Manifest, Withdrawal
from crypto.statements.registry import Closing
from exchange.replay.codes import Code
from exchange.replay.history import History, LoggedEvent
from exchange.usecases.facts import (
    association_of,
    closing_of,
    latest_sitting,
    release_key_of,
    withdrawal_of,
)
from exchange.usecases.holds import held_until

DESTRUCTION_GRACE: Final = timedelta(hours=1)
"""How long keys may outlive a closing or withdrawal: the service destroys them in the same request,
and retries for a while when the broker cannot be reached."""

EXPIRY_DELAY: Final = timedelta(hours=24)
"""After ``closes_at`` the broker destroys by its own clock (DESIGN, section 5)."""


def key_destroyed(history: History, event: LoggedEvent) -> None:
    """``key.destroyed``: because of a withdrawal or closing logged before, or by the clock."""
    destruction = history.statement(event.cites.get("destruction"), Destruction)
    if destruction is None:
        return
    history.destructions[destruction.digest] = event.index
    statement = destruction.statement
    if statement.cause is Cause.EXPIRY:
        return  # earlier than needed is no harm, and the broker's clock is its own
    kind = Closing if statement.cause is Cause.CLOSING else Withdrawal
    because = history.ledger.get(statement.because) if statement.because else None
    if because is None or not isinstance(because.statement, kind):
        history.missing(event, Code.DESTRUCTION_UNFOUNDED, "fondement d'une destruction")


def purge_done(history: History, event: LoggedEvent) -> None:
    """``purge.done``: ordered, and only what was withdrawn or closed, and is not held back."""
    if "withdrawal" in event.cites:
        _purge_of_withdrawn(history, event)
        return
    purge = history.statement(event.cites.get("purge"), Purge)
    if purge is None or history.ledger.get(purge.digest) is None:
        history.missing(
            event,
            Code.PURGE_UNFOUNDED,
            "fondement d'une purge",
            deposit=event.deposit or "?",
            reason="Aucun ordre signé n'est cité.",
        )
        return
    reasons = {
        deposit: _why_kept(history, event, purge.statement.sitting, deposit)
        for deposit in purge.statement.deposits
    }
    # The event says how many were deleted, not which: those of the order that must be kept are a
    # fault only when more were deleted than may be.
    allowed = sum(reason is None for reason in reasons.values())
    if event.details.facts.get("deposits") in {str(count) for count in range(allowed + 1)}:
        return
    for deposit, reason in reasons.items():
        if reason is not None:
            history.missing(
                event, Code.PURGE_UNFOUNDED, "fondement d'une purge", deposit=deposit, reason=reason
            )


def _purge_of_withdrawn(history: History, event: LoggedEvent) -> None:
    """A withdrawal deletes its own dossier's ciphertexts, and no more of them than it has."""
    withdrawal = history.statement(event.cites.get("withdrawal"), Withdrawal)
    reason, most = "Le retrait cité n'est pas dans le journal.", 0
    if withdrawal is not None and history.ledger.get(withdrawal.digest) is not None:
        statement = withdrawal.statement
        association = association_of(history.ledger, statement)
        most = sum(
            association_of(history.ledger, each.statement) == association
            for each in history.ledger.find(Manifest, dossier=statement.dossier)
        )
        reason = "Le retrait cité ne porte pas sur autant de dépôts."
        if held_until(history.ledger, statement.dossier, event.details.at):
            reason, most = "Une mesure de conservation court encore.", 0
    if event.details.facts.get("deposits") not in {str(count) for count in range(1, most + 1)}:
        history.missing(
            event,
            Code.PURGE_UNFOUNDED,
            "fondement d'une purge",
            deposit=event.deposit or "?",
            reason=reason,
        )


def check_destructions(history: History, now: datetime) -> None:
    """At the end of the log: whatever ended had its keys destroyed."""
    destroyed = {
        key for each in history.ledger.find(Destruction) for key in each.statement.release_keys
    }
    for closing in history.ledger.find(Closing):
        keys = _keys_of_sitting(history, closing.statement.sitting)
        _require_gone(
            history, closing.order, keys - destroyed, now, ended=closing.at, cause="clôture"
        )
    for withdrawal in history.ledger.find(Withdrawal):
        association = association_of(history.ledger, withdrawal.statement)
        keys = {
            key
            for manifest in history.ledger.find(Manifest, dossier=withdrawal.statement.dossier)
            if association_of(history.ledger, manifest.statement) == association
            for key in (
                manifest.statement.release_key_sha256,
                *history.keys_of(manifest.statement.deposit),
            )
        }
        _require_gone(
            history, withdrawal.order, keys - destroyed, now, ended=withdrawal.at, cause="retrait"
        )
    for sitting in _sittings(history):
        version = latest_sitting(history.ledger, sitting)
        if version is not None and closing_of(history.ledger, sitting) is None:
            ended = version.statement.closes_at + EXPIRY_DELAY
            keys = _keys_of_sitting(history, sitting)
            _require_gone(
                history, version.order, keys - destroyed, now, ended=ended, cause="expiration"
            )


def _require_gone(
    history: History,
    index: int,
    left: set[Digest],
    now: datetime,
    *,
    ended: datetime,
    cause: str,
) -> None:
    if now <= ended + DESTRUCTION_GRACE:
        return
    # A broker that the policy names no more can sign nothing about its keys: that is said, and is
    # not held against the one that took its place.
    lost = {digest for digest in left if _is_lost(history, digest)}
    for code, count in ((Code.KEYS_KEPT, len(left - lost)), (Code.KEYS_LOST, len(lost))):
        if count:
            history.findings.add(code, index, count=count, cause=cause)


def _is_lost(history: History, digest: Digest) -> bool:
    key = history.statement(digest, ReleaseKey)
    policy = history.policy
    return bool(key and policy and policy.broker_key(key.statement.signer) is None)


def _keys_of_sitting(history: History, sitting: str) -> set[Digest]:
    return {
        digest
        for deposit in history.begun
        for digest in history.keys_of(deposit)
        if (key := history.statement(digest, ReleaseKey)) and key.statement.sitting == sitting
    }


def _sittings(history: History) -> list[str]:
    keys = (release_key_of(history.ledger, deposit) for deposit in history.begun)
    return sorted({key.statement.sitting for key in keys if key is not None})


def _why_kept(history: History, event: LoggedEvent, sitting: str, deposit: str) -> str | None:
    manifest = history.statement(history.committed.get(deposit), Manifest)
    if manifest is None:
        return None if deposit in history.begun else "Il est inconnu."
    statement = manifest.statement
    if statement.sitting != sitting:
        return "Il est d'une autre séance que celle de l'ordre."
    if held_until(history.ledger, statement.dossier, event.details.at):
        return "Une mesure de conservation court encore."
    association = association_of(history.ledger, statement)
    withdrawn = association and withdrawal_of(history.ledger, statement.dossier, association)
    if withdrawn is None and closing_of(history.ledger, sitting) is None:
        return "Ni retrait ni clôture."
    return None
