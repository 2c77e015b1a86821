"""The life of a deposit on the server, from the first part to the purge of the ciphertext."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class DepositState(StrEnum):
    """Where a deposit stands."""

    BEGUN = "begun"
    COMMITTED = "committed"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    PURGED = "purged"
    ABANDONED = "abandoned"


class DepositEvent(StrEnum):
    """What happens to it."""

    COMMIT = "commit"
    WITHDRAW = "withdraw"
    CLOSE = "close"
    PURGE = "purge"
    ABANDON = "abandon"


INITIAL: Final = DepositState.BEGUN

TABLE: Final[Mapping[DepositState, Mapping[DepositEvent, DepositState]]] = {
    DepositState.BEGUN: {
        DepositEvent.COMMIT: DepositState.COMMITTED,
        DepositEvent.WITHDRAW: DepositState.ABANDONED,
        DepositEvent.CLOSE: DepositState.ABANDONED,
        DepositEvent.ABANDON: DepositState.ABANDONED,
    },
    DepositState.COMMITTED: {
        DepositEvent.WITHDRAW: DepositState.WITHDRAWN,
        DepositEvent.CLOSE: DepositState.CLOSED,
    },
    DepositState.WITHDRAWN: {DepositEvent.PURGE: DepositState.PURGED},
    DepositState.CLOSED: {
        DepositEvent.WITHDRAW: DepositState.WITHDRAWN,
        DepositEvent.PURGE: DepositState.PURGED,
    },
    DepositState.PURGED: {},
    DepositState.ABANDONED: {},
}
"""A ciphertext is purged only after a withdrawal or the closing (C. patrimoine L214-3)."""
