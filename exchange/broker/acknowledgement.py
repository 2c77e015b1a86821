"""Taking note of accepted statements: verified again, by the broker itself, before they count.

A statement counts when its event is in a checkpoint that the broker itself cosigned, and when its
author's key was good *at that place of the log*. The server chooses which statements it shows; it
cannot make one, move one, or bring back an older version.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from audit.errors import AuditError
from audit.policy import BROKER, LogPolicy
from audit.receipts import VerifiedReceipt, verify_receipt
from crypto.errors import CryptoError
from crypto.statements import Statement, Unverified, parse_any
from crypto.statements.exchange import AccessRequest, Login
from crypto.statements.registry import Agenda, Roster, Sitting, TrustPolicy
from exchange.broker.desk import Desk
from exchange.broker.ledger import Before
from exchange.broker.refusals import Why, reason_of, refusal
from exchange.broker.witness import cosigner_of, head_of
from exchange.usecases.authority import verify_statement
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested
from exchange.usecases.recording import records

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the server's clock and the broker's may differ (NTP keeps them within a second)."""

_CHAINED: Final[dict[type[Statement], str]] = {
    Roster: "commission",
    Sitting: "sitting",
    Agenda: "sitting",
}
"""The field that holds a chain together (DESIGN, section 5)."""

_NOT_KEPT: Final = (AccessRequest, Login)
"""Nothing that the broker decides later depends on these; open requests bring their own."""


def acknowledge(desk: Desk, attested: Attested) -> Accepted[Statement] | None:
    """Verify and keep one statement. Idempotent; None for a type that is not kept."""
    unverified = _parsed(attested.envelope)
    known = desk.ledger.index.get(unverified.digest)
    if known is not None:
        return known
    if isinstance(unverified.statement, _NOT_KEPT):
        return None
    try:
        index, at = _verified(desk, unverified, attested.receipt)
    except BrokerRefusalError as error:
        # What was tried is evidence; shown again and again, it is recorded once.
        desk.enter(
            RecordKind.REFUSED,
            cites={"statement": unverified.digest},
            facts={"reason": reason_of(error)},
        )
        raise
    desk.ledger.add(attested, index, at)
    return desk.ledger.index.get(unverified.digest)


def _verified(
    desk: Desk, unverified: Unverified[Statement], receipt_bytes: bytes
) -> tuple[int, datetime]:
    """The statement's place in the log, and when it counts as made; raises BrokerRefusalError."""
    policies = _log_policies(desk, unverified)
    receipt = _receipt(desk, receipt_bytes, policies)
    _require_recorded(receipt, unverified)
    at = _effective_time(desk, receipt)
    if not isinstance(unverified.statement, TrustPolicy):
        _require_authority(desk, unverified, receipt.index, at)
        _require_chain(desk, unverified, at)
    return receipt.index, at


def verified_receipt(desk: Desk, data: bytes) -> VerifiedReceipt:
    """A receipt under the trust policy in force and under the broker's own head."""
    try:
        log_policy = LogPolicy.from_trust_policy(desk.require_policy().policy)
    except AuditError as error:
        raise refusal(Why.CHAIN, error.message, **error.params) from error
    return _receipt(desk, data, [log_policy])


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


def _parsed(envelope: bytes) -> Unverified[Statement]:
    try:
        return parse_any(envelope)
    except CryptoError as error:
        raise refusal(Why.MALFORMED, error.message, **error.params) from error


def _log_policies(desk: Desk, unverified: Unverified[Statement]) -> list[LogPolicy]:
    """By whose keys the receipt may be signed: a new trust policy's own, else those in force."""
    current = desk.ledger.policy
    policies = [current.policy] if current else []
    if isinstance(unverified.statement, TrustPolicy):
        try:
            accepted = desk.ledger.accept_policy(unverified.envelope)
        except CryptoError as error:
            raise refusal(Why.BAD_SIGNATURE, error.message, **error.params) from error
        if accepted.policy.origin != desk.config.origin:
            raise refusal(Why.CHAIN, "Cette politique de confiance est celle d'un autre journal.")
        policies.insert(0, accepted.policy)
    if not policies:
        raise refusal(
            Why.NO_TRUST_POLICY,
            "Le gardien des clés attend la première politique de confiance : publiez-la d'abord.",
        )
    try:
        return [LogPolicy.from_trust_policy(policy) for policy in policies]
    except AuditError as error:
        raise refusal(Why.CHAIN, error.message, **error.params) from error


def _receipt(desk: Desk, data: bytes, policies: list[LogPolicy]) -> VerifiedReceipt:
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


def _require_own_key(desk: Desk, policy: LogPolicy) -> None:
    """The witness named ``broker`` must be this one: its signature is this broker's memory."""
    own = cosigner_of(desk.store, desk.config.origin).verifier
    named = {witness.verifier for witness in policy.witnesses.witnesses if witness.name == BROKER}
    if named != {own}:
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


def _require_recorded(receipt: VerifiedReceipt, unverified: Unverified[Statement]) -> None:
    if not records(receipt.details, type(unverified.statement), unverified.digest):
        raise refusal(
            Why.BAD_RECEIPT, "Ce récépissé est celui d'un autre événement que cette déclaration."
        )


def _effective_time(desk: Desk, receipt: VerifiedReceipt) -> datetime:
    """When a statement counts as made: never before what the log holds before it.

    The server writes the times. Were they taken as they are, it could log today, with yesterday's
    date, an act by a key that was revoked in between.
    """
    if receipt.details.at > desk.now + CLOCK_TOLERANCE:
        raise refusal(Why.CLOCK, "Cet événement est daté du futur : vérifiez l'heure du serveur.")
    return max(receipt.details.at, desk.ledger.latest_before(receipt.index))


def _require_authority(
    desk: Desk, unverified: Unverified[Statement], index: int, at: datetime
) -> None:
    """The author's key must have been good at that place of the log: what came later, such as its
    revocation, does not reach back.
    """
    try:
        verify_statement(desk.ledger.policy, Before(desk.ledger.index, index), unverified, at)
    except CryptoError as error:
        raise refusal(Why.BAD_SIGNATURE, error.message, **error.params) from error


def _require_chain(desk: Desk, unverified: Unverified[Statement], at: datetime) -> None:
    """Versions follow one another; a window that has closed never opens again."""
    statement: Any = unverified.statement
    field = _CHAINED.get(type(statement))
    if field is None:
        return
    latest = latest_version(desk, type(statement), field, getattr(statement, field))
    version, previous = (latest.statement.version, latest.digest) if latest else (0, None)
    if statement.version != version + 1 or statement.previous != previous:
        raise refusal(
            Why.CHAIN,
            "La version {got} ne suit pas la version {known}, la dernière dont le gardien des clés "
            "a pris acte.",
            got=statement.version,
            known=version,
        )
    if latest is not None and isinstance(statement, Sitting):
        _require_revision(latest.statement, statement, max(at, desk.now))


def latest_version(
    desk: Desk, kind: type[Statement], field: str, value: str
) -> Accepted[Any] | None:
    """The highest acknowledged version of a chain."""
    wanted = {} if field == "commission" else {field: value}
    found: list[Accepted[Any]] = list(desk.ledger.index.find(kind, **wanted))
    return max(found, key=lambda accepted: accepted.statement.version, default=None)


def _require_revision(previous: Sitting, new: Sitting, now: datetime) -> None:
    if new.closes_at != previous.closes_at and previous.closes_at <= now:
        raise refusal(Why.CHAIN, "Une clôture déjà passée ne se déplace pas.")
