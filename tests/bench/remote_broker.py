"""What a broker in a process of its own costs a release: the same openings, 100 a second, both ways.

Each opening is prepared before the clock starts; it is sent at its scheduled moment, and its time
counts from there, so that waiting behind a slow one is not hidden. ``ours`` is the p99 of the
process over mutual TLS on the loopback interface, ``theirs`` that of the broker in the same process.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from exchange.usecases import facts
from exchange.usecases.ports import Broker, OpenRequest
from tests.support.broker_world import Request, Scene, World, open_scene
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_log import ORIGIN
from tests.support.openings import open_one
from tests.support.separate_broker import SeparateWorld, separate_scene

PER_SECOND: Final = 100
OPENINGS: Final = 300
"""Three seconds of load: the p99 is the third-slowest. All are requests of one member."""

THREADS: Final = 16
WARM_UP: Final = 10


@dataclass(frozen=True)
class Latencies:
    """A row of the table: milliseconds at a percentile, remote and in-process."""

    name: str
    remote: float
    local: float
    count: int

    def row(self) -> str:
        """The difference stands where other rows have a ratio: it is what the target limits."""
        return (
            f"| {self.name} | in-process broker | {self.remote * 1000:.1f} ms "
            f"| {self.local * 1000:.1f} ms | {(self.remote - self.local) * 1000:+.1f} ms "
            f"| {self.count} |"
        )


def measure() -> Iterator[Latencies]:
    """Median, p95 and p99 at 100 releases a second."""
    with tempfile.TemporaryDirectory() as name:
        local = _times(open_scene(Path(name) / "local"))
        with separate_scene(Path(name) / "separate") as scene:
            assert isinstance(scene.world, SeparateWorld)
            scene.world.stop()
            scene.world.clock_reading = "FAKETIME_CACHE_DURATION=3600"
            scene.world.start()
            remote = _times(scene)
    for label, place in (("median", 49), ("p95", 94), ("p99", 98)):
        yield Latencies(
            f"opening through a remote broker, {label} at {PER_SECOND}/s",
            statistics.quantiles(remote, n=100)[place],
            statistics.quantiles(local, n=100)[place],
            len(remote),
        )


def _times(scene: Scene) -> list[float]:
    shown = _prepared(scene)
    broker: Broker = scene.world.broker
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(broker.open, shown[:WARM_UP]))
        started = time.perf_counter()
        waiting = []
        for place, each in enumerate(shown[WARM_UP:]):
            due = started + place / PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(_one, broker, each, due))
        return [each.result() for each in waiting]


def _one(broker: Broker, shown: OpenRequest, due: float) -> float:
    open_one(broker, shown)
    return time.perf_counter() - due


def _prepared(scene: Scene) -> list[OpenRequest]:
    """Requests with their logged authorisations, all under one fresh checkpoint."""
    world = scene.world
    requests = [
        world.request(scene.member, scene.sitting, scene.deposit) for _ in range(OPENINGS + WARM_UP)
    ]
    indices = [world.authorise(each, scene.deposit) for each in requests]
    return [
        world.shown(request, scene.deposit, index)
        for request, index in zip(requests, indices, strict=True)
    ]


def _logged(world: World, request: Request, deposit: Deposit) -> int:
    """The ticket of a ``release.authorised`` that waits for integration."""
    statement = request.signed.statement
    rests_on = facts.cited(
        world.index,
        certificate=statement.signer,
        sitting=statement.sitting,
        deposit=deposit.deposit,
        purpose=statement.purpose,
    )
    details = EventDetails(
        type=EventType.RELEASE_AUTHORISED,
        at=world.now,
        cites={"access_request": request.digest, **rests_on},
        facts={"deposit": deposit.deposit, "purpose": statement.purpose.value},
    )
    return world.store.append(new_entry(details, ORIGIN, os.urandom))


def _index(world: World, ticket: int) -> int:
    index = world.store.index_of(ticket)
    assert index is not None
    return index
