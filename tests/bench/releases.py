"""Releases as members ask for them: request to sealed header, audited, witnessed, on PostgreSQL.

``dossier serve`` with two workers on PostgreSQL and an in-process broker; the policy asks for the broker's
cosignature and that of a witness, a process of its own on the loopback. Each request is a fresh signed
statement, prepared before the clock starts; it is sent at its scheduled moment and its time counts from
there, so that waiting behind slow ones is not hidden. Load generator, database, witness and service share
this machine's cores.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from crypto.age.identities import recipient_of
from crypto.keys import HybridIdentity
from crypto.statements.exchange import AccessRequest, Purpose
from tests.bench.served import Served, engines, of_today, served
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_registry import Person
from tests.support.live_service import LiveService
from tests.support.witness_process import WitnessProcess, make_witness

RATES: Final = (5, 25, 50, 100, 200)
"""Requests a second; DESIGN's goal is the last."""
SECONDS: Final = 6
THREADS: Final = 48
WARM_UP: Final = 20
DAYS: Final = 5
"""From the founding to the open sitting."""


@dataclass(frozen=True)
class Rate:
    """A row of the table."""

    offered: int
    answered: float
    """A second, over the whole run."""
    median: float
    p99: float
    count: int

    def row(self) -> str:
        return (
            f"| releases, {self.offered}/s offered, witnessed, PostgreSQL | p99 ≤ 100 ms at 200/s "
            f"| median {self.median * 1000:.0f} ms | p99 {self.p99 * 1000:.0f} ms "
            f"| {self.answered:.0f}/s answered | {self.count} |"
        )


class Witnessed(LiveService):
    """The commission, whose policy asks for a witness beside the broker."""

    witness: WitnessProcess

    def trust_policy(self, version: int = 1, **changes: Any) -> Any:
        policy = (
            f"witness broker {self.instance.cosigner_vkey}\n"
            f"witness other {self.witness.vkey} {self.witness.url}\n"
            "group both 2 broker other\nquorum both\n"
        )
        return super().trust_policy(version, **{"witness_policy": policy, **changes})


def measure() -> Iterator[Rate]:
    """Latencies at rising rates; the first that cannot be held ends the run."""
    with tempfile.TemporaryDirectory() as name, engines():
        folder = Path(name)
        live = of_today(Witnessed, folder / "live", days_ago=DAYS)
        with _witness(folder, live):
            sitting, deposit = _scene(live)
            with served(live, folder) as running:
                claire = live.people["claire"]
                cookie = running.cookie(claire)
                _run(
                    running, cookie, _requests(running, claire, sitting, deposit, WARM_UP), RATES[0]
                )
                for offered in RATES:
                    bodies = _requests(running, claire, sitting, deposit, offered * SECONDS)
                    row = _run(running, cookie, bodies, offered)
                    yield row
                    if row.answered < 0.8 * offered:
                        break
        live.shut()


def _scene(live: LiveService) -> tuple[str, Deposit]:
    live.found()
    claire, nadia = live.people["claire"], live.people["nadia"]
    sitting = live.publish_sitting("claire")
    deposit = live.deposit(nadia, sitting, claire)
    live.publish_agenda(sitting, deposit)
    live.advance(days=DAYS)
    live.undertake(claire)
    live.declare(claire, sitting, deposit)
    return sitting, deposit


def _requests(
    running: Served, who: Person, sitting: str, deposit: Deposit, count: int
) -> list[dict[str, str]]:
    """Fresh requests, each with a reply key of its own."""
    live = running.live
    checkpoint = live.log.integrate().decode()
    return [
        {
            "request": live.by(
                who,
                AccessRequest,
                sitting=sitting,
                sitting_sha256=live.sittings[sitting].digest,
                deposits=(deposit.deposit,),
                purpose=Purpose.READ,
                nonce=os.urandom(32),
                reply_key=recipient_of(HybridIdentity.generate(os.urandom)),
                checkpoint=checkpoint,
                issued_at=running.now().replace(microsecond=0),
            ).envelope.decode()
        }
        for _ in range(count)
    ]


def _run(running: Served, cookie: str, bodies: list[dict[str, str]], offered: int) -> Rate:
    lines = threading.local()

    def one(body: dict[str, str], due: float) -> float:
        if not hasattr(lines, "own"):
            lines.own = running.connection()
        answer = running.post(lines.own, "/releases", body, cookie)
        assert len(answer["releases"]) == 1, answer
        return time.perf_counter() - due

    with ThreadPoolExecutor(THREADS) as pool:
        started = time.perf_counter()
        waiting = []
        for place, body in enumerate(bodies):
            due = started + place / offered
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(one, body, due))
        times = [each.result() for each in waiting]
        took = time.perf_counter() - started
    return Rate(
        offered,
        len(times) / took,
        statistics.median(times),
        statistics.quantiles(times, n=100)[98],
        len(times),
    )


@contextmanager
def _witness(folder: Path, live: Witnessed) -> Iterator[None]:
    vkey = folder / "log.vkey"
    vkey.write_text(f"{live.instance.log_vkey}\n")
    live.witness = make_witness(folder / "witness", vkey, "temoin.example/banc")
    live.witness.start()
    try:
        yield
    finally:
        live.witness.kill()
