"""What a client command runs on in production: real clock, real randomness, real network.

Nothing is global: a test or the demonstration passes its own :class:`Surroundings`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.keys import Entropy

if TYPE_CHECKING:  # a command that stays on this machine loads nothing of the network
    from exchange.client.machine import Machine
    from exchange.client.progress import Progress
    from exchange.client.wire import Wire


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def over_http(url: str) -> Wire:
    """The network."""
    from exchange.client.transport import HttpWire

    return HttpWire(url)


@dataclass(frozen=True)
class Surroundings:
    """Clock, randomness, waiting and network of a command."""

    clock: Callable[[], datetime] = utc_now
    entropy: Entropy = os.urandom
    pause: Callable[[float], None] = time.sleep
    connect: Callable[[str], Wire] = over_http


def make_machine(
    surroundings: Surroundings, directory: Path, server: str, language: str, progress: Progress
) -> Machine:
    """A machine at a profile directory, in front of one server."""
    from exchange.client.connection import Connection
    from exchange.client.machine import Machine
    from exchange.client.profile import Profile

    wire = surroundings.connect(server)
    connection = Connection(wire, server, language=language, pause=surroundings.pause)
    return Machine(
        Profile(directory),
        connection,
        surroundings.clock,
        surroundings.entropy,
        surroundings.pause,
        progress,
    )
