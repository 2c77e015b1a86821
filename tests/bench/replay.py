"""The auditor's replay: every release decided again from the statements, with all that goes with it.

One member reads twenty dossiers again and again, each time by a signed request for all of them; the
bundle is in memory. The figure is of the whole verification (structure, signatures, commitments,
policy, record), divided by the releases.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from exchange.replay.report import Verdict
from exchange.replay.run import replay
from exchange.usecases import facts
from tests.bench.paired import Figure
from tests.support.broker_world import World
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_log import ORIGIN
from tests.support.broker_world_registry import Person
from tests.support.bundles import MemoryBundle, export

DOSSIERS = 20
RELEASES = 20_000
ROUNDS = 3


def with_releases(directory: Path, releases: int) -> tuple[World, MemoryBundle]:
    """An honest history with so many releases, and its export."""
    world = World(directory / "broker")
    world.found()
    member, depositor = world.people["claire"], world.people["nadia"]
    sitting = world.publish_sitting("claire")
    deposits = [world.deposit(depositor, sitting, member) for _ in range(DOSSIERS)]
    world.publish_agenda(sitting, *deposits)
    world.advance(days=5)
    world.undertake(member)
    world.declare(member, sitting, *deposits)
    for _ in range(releases // DOSSIERS):
        _release(world, member, sitting, deposits)
    world.log.integrate()
    return world, export(world)


def _release(world: World, member: Person, sitting: str, deposits: list[Deposit]) -> None:
    """One request for all, authorised; the log takes the events in at the end."""
    request = world.request(member, sitting, *deposits, checkpoint="…")
    statement = request.signed.statement
    world.envelopes[request.digest] = request.signed.envelope
    for each in deposits:
        cites = facts.cited(
            world.index,
            certificate=statement.signer,
            sitting=sitting,
            deposit=each.deposit,
            purpose=statement.purpose,
        )
        details = EventDetails(
            type=EventType.RELEASE_AUTHORISED,
            at=world.now,
            cites={"access_request": request.digest, **cites},
            facts={"deposit": each.deposit, "purpose": statement.purpose.value},
        )
        world.store.append(new_entry(details, ORIGIN, os.urandom))


def measure() -> Iterator[Figure]:
    """Releases a second, and the memory of the whole process."""
    releases = int(os.environ.get("DOSSIER_BENCH_RELEASES", RELEASES))
    with TemporaryDirectory(prefix="dossier-bench-") as folder:
        world, bundle = with_releases(Path(folder), releases)
        now = world.now + timedelta(hours=1)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            report = replay(bundle, world.trust, now)
            times.append(time.perf_counter() - began)
            assert report.verdict is Verdict.OK, [str(each) for each in report.findings]
    took = median(times)
    yield Figure(
        f"replay of {releases:,} releases", f"{releases / took:,.0f} a second ({took:.2f} s)"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("memory of bench and replay", f"{peak:,.0f} MiB")
