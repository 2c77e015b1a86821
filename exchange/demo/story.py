"""The whole story, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exchange.demo.ending import audit, close
from exchange.demo.opening import gather, install
from exchange.demo.sitting import convoke, deposit, read, withdraw
from exchange.demo.world import World

CHAPTERS: Final[tuple[Callable[[World], None], ...]] = (
    install,
    gather,
    deposit,
    withdraw,
    convoke,
    read,
    close,
    audit,
)


def play(world: World) -> None:
    """Play every chapter; raises StepFailedError at the first promise that does not hold."""
    try:
        for chapter in CHAPTERS:
            chapter(world)
    finally:
        world.stop()
