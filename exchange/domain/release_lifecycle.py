"""The life of one release: a request for one deposit, from the question to the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ReleaseState(StrEnum):
    """Where a release stands."""

    REQUESTED = "requested"
    REFUSED = "refused"
    AUTHORISED = "authorised"
    FAILED = "failed"
    ANSWERED = "answered"
    READ = "read"


class ReleaseEvent(StrEnum):
    """What happens to it."""

    REFUSE = "refuse"
    AUTHORISE = "authorise"
    FAIL = "fail"
    ANSWER = "answer"
    READ = "read"


INITIAL: Final = ReleaseState.REQUESTED

TABLE: Final[Mapping[ReleaseState, Mapping[ReleaseEvent, ReleaseState]]] = {
    ReleaseState.REQUESTED: {
        ReleaseEvent.REFUSE: ReleaseState.REFUSED,
        ReleaseEvent.AUTHORISE: ReleaseState.AUTHORISED,
    },
    ReleaseState.REFUSED: {},
    ReleaseState.AUTHORISED: {
        ReleaseEvent.FAIL: ReleaseState.FAILED,
        ReleaseEvent.ANSWER: ReleaseState.ANSWERED,
    },
    ReleaseState.FAILED: {
        ReleaseEvent.FAIL: ReleaseState.FAILED,
        ReleaseEvent.ANSWER: ReleaseState.ANSWERED,
    },
    ReleaseState.ANSWERED: {ReleaseEvent.READ: ReleaseState.READ},
    ReleaseState.READ: {},
}
"""A request that was refused stays refused; one that the broker did not answer may be retried."""
