"""The life of a sitting, from its first announcement to its closing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class SittingState(StrEnum):
    """Where a sitting stands; the first two are the stages that its statement declares."""

    PLANNED = "planned"
    CONVOKED = "convoked"
    CLOSED = "closed"


class SittingEvent(StrEnum):
    """What happens to it."""

    REVISE = "revise"
    CONVOKE = "convoke"
    CLOSE = "close"


INITIAL: Final = SittingState.PLANNED

TABLE: Final[Mapping[SittingState, Mapping[SittingEvent, SittingState]]] = {
    SittingState.PLANNED: {
        SittingEvent.REVISE: SittingState.PLANNED,
        SittingEvent.CONVOKE: SittingState.CONVOKED,
        SittingEvent.CLOSE: SittingState.CLOSED,
    },
    SittingState.CONVOKED: {
        SittingEvent.CONVOKE: SittingState.CONVOKED,
        SittingEvent.CLOSE: SittingState.CLOSED,
    },
    SittingState.CLOSED: {},
}
"""A new version of a convoked sitting convokes again; it never goes back to planned."""
