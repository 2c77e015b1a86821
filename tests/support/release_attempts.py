"""Attempts to have a broker open an envelope, and what it recorded of them."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.usecases.broker_record import RecordEntry, RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Broker, OpenRequest
from tests.support.broker_world import Scene
from tests.support.openings import open_one


def refused(scene: Scene, shown: OpenRequest) -> str:
    """The broker's reason; also that it recorded the refusal and opened nothing."""
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(scene.world.broker, shown)
    reason = str(caught.value.params["reason"])
    assert str(caught.value)
    entries = record(scene)
    assert entries[-1].kind is RecordKind.REFUSED
    assert entries[-1].facts["reason"] == reason
    assert RecordKind.OPENED not in {entry.kind for entry in entries}
    return reason


def record(scene: Scene) -> list[RecordEntry]:
    return recorded(scene.world.broker)


def recorded(broker: Broker, *kinds: RecordKind) -> list[RecordEntry]:
    """A broker's record: of these kinds, or all of it."""
    lines, _note = broker.record()
    entries = [RecordEntry.parse(line) for line in lines.splitlines()]
    return [each for each in entries if not kinds or each.kind in kinds]


def attempt(scene: Scene, who: Any = None, deposit: Any = None, **changes: Any) -> OpenRequest:
    """A request that the server logged as authorised, whatever the policy says of it."""
    world = scene.world
    deposit = deposit or scene.deposit
    request = world.request(who or scene.member, scene.sitting, deposit, **changes)
    return world.shown(request, deposit, world.authorise(request, deposit))
