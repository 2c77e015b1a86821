"""The broker that this configuration names. Loaded only when it is the in-process one, so that a
service whose broker runs elsewhere never holds the code that opens envelopes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.ports import Cosigner
from crypto.keys import Entropy
from exchange.settings import Settings, SettingsError
from exchange.usecases.ports import Broker, Clock

if TYPE_CHECKING:
    from exchange.broker.in_process import InProcessBroker


@dataclass(frozen=True)
class WiredBroker:
    """The broker as the use cases see it, as the log sees it, and what ends overdue keys."""

    broker: Broker
    cosigner: Cosigner
    destroy_expired: Callable[[], tuple[bytes, ...]]


def wire_broker(settings: Settings, clock: Clock, entropy: Entropy) -> WiredBroker:
    """Open the broker's store; raises SettingsError or the store's own errors."""
    broker = open_in_process(broker_directory(settings), clock, entropy)
    return WiredBroker(broker, broker.cosigner, broker.destroy_expired)


def broker_directory(settings: Settings) -> Path:
    """Where the in-process broker keeps its keys; raises SettingsError."""
    if settings.broker_directory is None:
        raise SettingsError(
            "Le réglage « broker_directory » manque : indiquez le répertoire du gardien des clés."
        )
    return settings.broker_directory


def open_in_process(directory: Path, clock: Clock, entropy: Entropy) -> InProcessBroker:
    """The in-process broker over ``directory``."""
    from exchange.broker.in_process import InProcessBroker

    return InProcessBroker(directory, clock, entropy)
