"""Why the broker says no. A refusal of ``domain.policy`` keeps its own code; these are the others."""

from __future__ import annotations

from enum import StrEnum

from exchange.usecases.errors import BrokerRefusalError


class Why(StrEnum):
    """The value is what the record keeps and ``BrokerRefusalError.params["reason"]`` holds."""

    NO_TRUST_POLICY = "no-trust-policy"
    TRUST_POLICY_EXPIRED = "trust-policy-expired"
    NOT_THE_BROKER = "not-the-broker"
    MALFORMED = "malformed"
    BAD_RECEIPT = "bad-receipt"
    BAD_SIGNATURE = "bad-signature"
    CLOCK = "clock"
    CHAIN = "chain"
    UNKNOWN_SITTING = "unknown-sitting"
    SITTING_CLOSED = "sitting-closed"
    STALE = "stale"
    OTHER_SITTING = "other-sitting"
    TOO_MANY_KEYS = "too-many-keys"
    KEY_DESTROYED = "key-destroyed"
    FOREIGN_KEY = "foreign-key"
    NOTHING_ENDS = "nothing-ends"
    NOT_AUTHORISED = "not-authorised"
    """The log holds no ``release.authorised`` that says exactly this."""
    STALE_CHECKPOINT = "stale-checkpoint"
    OTHER_LOG = "other-log"
    """The reader was shown a checkpoint that this broker never cosigned."""
    FOREIGN_ITEM = "foreign-item"
    """What was shown as the agenda's line is none of it."""
    FOREIGN_ENVELOPE = "foreign-envelope"
    BROKEN_ENVELOPE = "broken-envelope"
    TOO_MANY_REFUSALS = "too-many-refusals"
    """In the record only: further refusals of that day are not written one by one."""


def refusal(why: str, message: str, /, **params: object) -> BrokerRefusalError:
    """The error to raise; ``params["reason"]`` is the stable code."""
    return BrokerRefusalError(message, **{**params, "reason": str(why)})


def reason_of(error: BrokerRefusalError) -> str:
    """The stable code of a refusal made here."""
    return str(error.params["reason"])
