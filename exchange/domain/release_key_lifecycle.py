"""The life of a release key at the broker: made once, destroyed once, never made again."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ReleaseKeyState(StrEnum):
    """Where the release key of one deposit stands."""

    ABSENT = "absent"
    HELD = "held"
    DESTROYED = "destroyed"


class ReleaseKeyEvent(StrEnum):
    """What happens to it; the last three are the causes of a destruction statement."""

    MAKE = "make"
    WITHDRAWAL = "withdrawal"
    CLOSING = "closing"
    EXPIRY = "expiry"


INITIAL: Final = ReleaseKeyState.ABSENT

TABLE: Final[Mapping[ReleaseKeyState, Mapping[ReleaseKeyEvent, ReleaseKeyState]]] = {
    ReleaseKeyState.ABSENT: {ReleaseKeyEvent.MAKE: ReleaseKeyState.HELD},
    ReleaseKeyState.HELD: {
        ReleaseKeyEvent.WITHDRAWAL: ReleaseKeyState.DESTROYED,
        ReleaseKeyEvent.CLOSING: ReleaseKeyState.DESTROYED,
        ReleaseKeyEvent.EXPIRY: ReleaseKeyState.DESTROYED,
    },
    ReleaseKeyState.DESTROYED: {},
}
"""What was destroyed is never made again, under whatever cause (DESIGN, invariant 4)."""
