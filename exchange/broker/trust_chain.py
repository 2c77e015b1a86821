"""Taking note of trust policies: the roots' signatures chain them, the last one names this broker.

A policy is the one statement that can bring a broker in. A new broker, in the place of one that was
lost, is named by the latest policy only; the earlier ones name its predecessor, whose cosignature no
checkpoint will ever carry again. So the chain is walked by its root signatures from the pinned trust,
and the *places* of all policies in the log are proved under the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from crypto.errors import CryptoError
from crypto.statements import Unverified, parse
from crypto.statements.registry import TrustPolicy
from crypto.trust import TrustedPolicy
from exchange.broker.desk import Desk
from exchange.broker.receipts import effective_time, log_policy, receipt_under, require_recorded
from exchange.broker.refusals import Why, reason_of, refusal
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Attested


def acknowledge_policies(desk: Desk, policies: Sequence[Attested]) -> None:
    """Verify and keep the trust policies that follow those known. Idempotent.

    All of ``policies``, in whatever order, are needed that are not known yet. Raises
    BrokerRefusalError; what was tried is recorded.
    """
    parsed = [(_parsed(each.envelope), each) for each in policies]
    new = [pair for pair in parsed if desk.ledger.index.get(pair[0].digest) is None]
    new.sort(key=lambda pair: pair[0].statement.version)
    if not new:
        return
    try:
        _take(desk, [attested for _, attested in new], [unverified for unverified, _ in new])
    except BrokerRefusalError as error:
        desk.enter(
            RecordKind.REFUSED,
            cites={"statement": new[-1][0].digest},
            facts={"reason": reason_of(error)},
        )
        raise


def _take(
    desk: Desk, attested: Sequence[Attested], unverified: Sequence[Unverified[TrustPolicy]]
) -> None:
    current = desk.ledger.policy
    accepted = _chained(desk, [each.envelope for each in attested])
    rules = [log_policy(desk, accepted[-1])]
    if current is not None:
        rules.append(log_policy(desk, current))
    receipts = [receipt_under(desk, each.receipt, rules) for each in attested]
    for item, statement, receipt in zip(attested, unverified, receipts, strict=True):
        require_recorded(receipt, statement)
        desk.ledger.add(item, receipt.index, effective_time(desk, receipt))


def _chained(desk: Desk, envelopes: Sequence[bytes]) -> tuple[TrustedPolicy, ...]:
    try:
        accepted = desk.ledger.accept_policies(envelopes)
    except CryptoError as error:
        raise refusal(Why.BAD_SIGNATURE, error.message, **error.params) from error
    if any(each.policy.origin != desk.config.origin for each in accepted):
        raise refusal(Why.CHAIN, "Cette politique de confiance est celle d'un autre journal.")
    return accepted


def _parsed(envelope: bytes) -> Unverified[TrustPolicy]:
    try:
        return parse(TrustPolicy, envelope)
    except CryptoError as error:
        raise refusal(Why.MALFORMED, error.message, **error.params) from error
