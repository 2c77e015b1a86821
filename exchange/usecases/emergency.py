"""The registrar's ``emergency``: for a few days fewer independent witnesses are enough.

Everybody who believes checkpoints asks here what an emergency permits: service, broker, clients and
the auditor. One that does not verify permits nothing, and is no error: the log's own rules then apply.
It cannot be ended before its time, so its time is short; a lasting change of the witnesses is a new
trust policy, which the roots sign. Every emergency is a finding of the auditor's report.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from audit.policy import LogPolicy, LoweredQuorum
from crypto.errors import CryptoError
from crypto.statements import Unverified
from crypto.statements.custody import Emergency
from crypto.trust import TrustedPolicy
from exchange.usecases.authority import verify_statement
from exchange.usecases.ledger import MemoryLedger

MAX_EMERGENCY: Final = timedelta(days=7)
"""Long enough to repair a witness, or to name another by a trust policy, over a public holiday."""

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""The registrar signs by their own clock, the broker cosigns by its own."""


def log_rules(trusted: TrustedPolicy, emergencies: Iterable[Unverified[Emergency]]) -> LogPolicy:
    """What a checkpoint must carry by the trust policy and by those emergencies that verify under it.

    Raises LogFormatError for a policy under which no checkpoint could ever verify.
    """
    permitted = [_verified(trusted, each) for each in emergencies]
    return LogPolicy.from_trust_policy(trusted.policy).with_lowered(
        each for each in permitted if each is not None
    )


def permitted_by(trusted: TrustedPolicy, emergency: Emergency) -> LoweredQuorum | None:
    """What an emergency permits whose *signature was verified before*: its author must still be one
    of the registrars, and its time within MAX_EMERGENCY.
    """
    begins, ends = emergency.issued_at, emergency.expires_at
    if trusted.registrar_key(emergency.signer, begins) is None:
        return None
    if not begins < ends <= begins + MAX_EMERGENCY:
        return None
    return LoweredQuorum(emergency.quorum, begins - CLOCK_TOLERANCE, ends)


def _verified(trusted: TrustedPolicy, unverified: Unverified[Emergency]) -> LoweredQuorum | None:
    try:
        # Registrars are named by the trust policy itself: no other statement is needed.
        verify_statement(trusted, MemoryLedger(), unverified, unverified.statement.issued_at)
    except CryptoError:
        return None
    return permitted_by(trusted, unverified.statement)
