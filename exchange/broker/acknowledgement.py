"""Taking note of accepted statements: verified again, by the broker itself, before they count.

A statement counts when its event is in a checkpoint that the broker itself cosigned, and when its
author's key was good *at that place of the log*. The server chooses which statements it shows; it
cannot make one, move one, or bring back an older version.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from crypto.errors import CryptoError
from crypto.statements import Statement, Unverified, parse, parse_any
from crypto.statements.custody import Emergency
from crypto.statements.exchange import AccessRequest, Login
from crypto.statements.registry import Agenda, Roster, Sitting, TrustPolicy
from exchange.broker.desk import Desk
from exchange.broker.ledger import Before
from exchange.broker.receipts import (
    effective_time,
    log_policy,
    receipt_under,
    require_recorded,
)
from exchange.broker.refusals import Why, reason_of, refusal
from exchange.broker.trust_chain import acknowledge_policies
from exchange.usecases.authority import verify_statement
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

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
    if isinstance(unverified.statement, TrustPolicy):
        acknowledge_policies(desk, [attested])
        return desk.ledger.index.get(unverified.digest)
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
    policy = desk.ledger.policy
    if policy is None:
        raise refusal(
            Why.NO_TRUST_POLICY,
            "Le gardien des clés attend la première politique de confiance : publiez-la d'abord.",
        )
    # What an emergency permits holds for its own receipt, too: its author is verified there.
    emergency = isinstance(unverified.statement, Emergency)
    shown = [parse(Emergency, unverified.envelope)] if emergency else []
    receipt = receipt_under(desk, receipt_bytes, [log_policy(desk, policy, shown)])
    require_recorded(receipt, unverified)
    at = effective_time(desk, receipt)
    _require_authority(desk, unverified, receipt.index, at)
    _require_chain(desk, unverified, at)
    return receipt.index, at


def _parsed(envelope: bytes) -> Unverified[Statement]:
    try:
        return parse_any(envelope)
    except CryptoError as error:
        raise refusal(Why.MALFORMED, error.message, **error.params) from error


def _require_authority(
    desk: Desk, unverified: Unverified[Statement], index: int, at: datetime
) -> None:
    """The author's key must have been good at that place of the log: what came later, such as its
    revocation, does not reach back.
    """
    try:
        verify_statement(
            desk.ledger.policy_at(index), Before(desk.ledger.index, index), unverified, at
        )
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
