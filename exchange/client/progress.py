"""How far a long step is: what the client tells, whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Shows how far a long step is; nothing on a pipe."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """A step of ``total`` bytes starts; call the result with the bytes done since last time."""
