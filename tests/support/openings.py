"""One opening, where a test asks for one."""

from __future__ import annotations

from exchange.usecases.ports import Broker, OpenRequest


def open_one(broker: Broker, request: OpenRequest) -> bytes:
    """The header; raises what the broker says instead."""
    (outcome,) = broker.open_all([request])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
