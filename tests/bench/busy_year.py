"""A busy commission's sittings through the running program: 60 dossiers, 20 members, every dossier to each.

Deposits by one association's client, then the members, each with one request for all dossiers and every
payload read whole. A year has twelve such sittings at most: ``python -m tests.bench busy_year`` runs one
and multiplies, ``python -m tests.bench.busy_year --sittings 12`` runs them all on one instance. Founding
and enrolment are not counted. PostgreSQL and S3, two workers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from crypto.age.identities import recipient_of
from crypto.digests import sha256
from crypto.keys import HybridIdentity
from crypto.statements.exchange import AccessRequest, Declaration, Purpose, Undertaking
from crypto.statements.registry import (
    Role,
    Roster,
    SeatKind,
)
from tests.bench.paired import Figure
from tests.bench.served import PIECE_BYTES, Served, engines, get, of_today, served
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_registry import Person, approval, roster_seat, titular_mandate
from tests.support.live_service import API, LiveService

DOSSIERS: Final = 60
MEMBERS: Final = 20
SITTINGS_A_YEAR: Final = 12
PAYLOAD_BYTES: Final = 300_000
DAYS: Final = 5
AT_ONCE: Final = 6
"""Members at work at the same moment."""


class Busy(LiveService):
    """Twenty seats, each with its member."""

    def found(self) -> None:
        self.publish_trust()
        for number in range(MEMBERS):
            member = self.enrol(f"Membre {number}", "cdom", Role.MEMBER)
            member.seat, member.mandate = f"siege-{number}", self.new_id()
            self.people[f"m{number}"] = member
        self.people["nadia"] = self.enrol("Nadia Roche", "altair", Role.DEPOSITOR)
        self.post(self.roster())

    def roster(self, version: int = 1, previous: Any = None) -> Any:
        seated = [each for each in self.people.values() if each.seat]
        return self.by_registrar(
            Roster,
            version=version,
            previous=previous,
            seats=tuple(roster_seat(each.seat, SeatKind.DESIGNATED, None) for each in seated),
            mandates=tuple(titular_mandate(each) for each in seated),
            approvals=(approval("altair"),),
        )


def measure(sittings: int = 1) -> Iterator[Figure]:
    """Deposits, then releases and downloads, of so many sittings; the year by multiplication."""
    with tempfile.TemporaryDirectory() as name, engines():
        live = of_today(Busy, Path(name) / "live", days_ago=DAYS)
        live.found()
        members = [live.people[f"m{number}"] for number in range(MEMBERS)]
        began = time.perf_counter()
        met = [_deposited(live, members) for _ in range(sittings)]
        depositing = time.perf_counter() - began
        live.advance(days=DAYS)
        # Depositing took minutes: what is served from here on lives in the true time again.
        live.now = datetime.now(UTC).replace(microsecond=0)
        with served(live, Path(name)) as running:
            for each in members:
                _promises(running, each)
            began = time.perf_counter()
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for sitting, made in met:
                    list(pool.map(partial(_takes, running, sitting=sitting, made=made), members))
            reading = time.perf_counter() - began
            peak = running.workers_peak_mib()
        live.shut()
    yield from _figures(sittings, depositing, reading, peak)


def _figures(sittings: int, depositing: float, reading: float, peak: float) -> Iterator[Figure]:
    deposits, done = sittings * DOSSIERS, sittings * DOSSIERS * MEMBERS
    yield Figure(
        f"a deposit for {MEMBERS} members, sealed, sent, committed",
        f"{depositing / deposits * 1000:.0f} ms",
    )
    yield Figure(
        f"{done} releases and downloads, {AT_ONCE} members at once, no error",
        f"{reading:.0f} s, {done / reading:.1f}/s, {peak:.0f} MiB a worker at most",
    )
    year = SITTINGS_A_YEAR * (depositing + reading) / sittings
    how = "run" if sittings == SITTINGS_A_YEAR else "multiplied"
    yield Figure(
        f"a year: {SITTINGS_A_YEAR} sittings of {DOSSIERS} dossiers and {MEMBERS} members "
        f"({how}), goal 60 min",
        f"{year / 60:.1f} min",
    )


def _deposited(live: Busy, members: list[Person]) -> tuple[str, list[Deposit]]:
    """A sitting and its dossiers, convoked."""
    sitting = live.publish_sitting(*(f"m{number}" for number in range(MEMBERS)))
    nadia = live.people["nadia"]
    made = [live.deposit(nadia, sitting, *members, size=PAYLOAD_BYTES) for _ in range(DOSSIERS)]
    live.publish_agenda(sitting, *made)
    return sitting, made


def _promises(running: Served, who: Person) -> None:
    """The undertaking of confidentiality, once a mandate."""
    undertaking = running.live.by(
        who,
        Undertaking,
        mandate=who.mandate,
        text_sha256=sha256(b"engagement"),
        issued_at=running.now().replace(microsecond=0),
    )
    body = {"statement": undertaking.envelope.decode()}
    running.post(running.connection(), "/statements", body, running.cookie(who))


def _takes(running: Served, who: Person, *, sitting: str, made: list[Deposit]) -> None:
    """What ``pack get`` asks of the service: declaration, one request, every payload."""
    live = running.live
    cookie, line = running.cookie(who), running.connection()
    now = running.now().replace(microsecond=0)
    references = tuple(sorted({each.dossier for each in made}))
    declared = live.by(who, Declaration, sitting=sitting, dossiers=references, issued_at=now)
    running.post(line, "/statements", {"statement": declared.envelope.decode()}, cookie)
    asked = live.by(
        who,
        AccessRequest,
        sitting=sitting,
        sitting_sha256=live.sittings[sitting].digest,
        deposits=tuple(each.deposit for each in made),
        purpose=Purpose.READ,
        nonce=os.urandom(32),
        reply_key=recipient_of(HybridIdentity.generate(os.urandom)),
        checkpoint=live.log.checkpoint().decode(),
        issued_at=now,
    )
    answer = running.post(line, "/releases", {"request": asked.envelope.decode()}, cookie)
    assert len(answer["releases"]) == len(made), answer["refusals"]
    buffer = bytearray(PIECE_BYTES)
    for each in made:
        path = f"{API}/deposits/{each.deposit}/payload"
        assert get(running.port, path, cookie, buffer) > PAYLOAD_BYTES


def main() -> None:
    """Run as many sittings as asked for, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.busy_year")
    parser.add_argument("--sittings", type=int, default=SITTINGS_A_YEAR)
    for figure in measure(parser.parse_args().sittings):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
