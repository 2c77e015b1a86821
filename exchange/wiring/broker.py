"""The broker that this configuration names. Loaded only when it is the in-process one, so that a
service whose broker runs elsewhere never holds the code that opens envelopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.ports import Cosigner
from crypto.keys import Entropy
from exchange.remote_broker.client import RemoteBroker
from exchange.remote_broker.link import BrokerLink
from exchange.settings import Settings, SettingsError
from exchange.usecases.broker_wire import Custody
from exchange.usecases.ports import Broker, Clock

if TYPE_CHECKING:
    from exchange.broker.in_process import InProcessBroker


@dataclass(frozen=True)
class WiredBroker:
    """The broker as the use cases see it, and as the log sees it."""

    broker: Broker
    cosigner: Cosigner
    custody: Custody


def wire_broker(settings: Settings, clock: Clock, entropy: Entropy) -> WiredBroker:
    """The separate broker if ``broker_url`` is set, else the store in ``broker_directory``.

    Raises SettingsError, BrokerLinkError or the store's own errors. Connects to nothing yet.
    """
    if settings.broker_url is None:
        own = open_in_process(broker_directory(settings), clock, entropy)
        return WiredBroker(own, own.cosigner, Custody.IN_PROCESS)
    assert settings.broker_tls_directory is not None  # ``load_settings`` refuses it otherwise
    link = BrokerLink(settings.broker_url, settings.broker_tls_directory)
    remote = RemoteBroker(link, settings.origin)
    return WiredBroker(remote, remote.cosigner, Custody.SEPARATE)


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
