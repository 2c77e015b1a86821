"""A busy commission's sitting through the running program: 60 dossiers, 20 members, every dossier to each.

A year has twelve such sittings at most. One is run, scaled down where ``SHARE`` says so, and the year's
time is its time multiplied: deposits by one association's client, then all members at once, each with one
request for all dossiers and every payload read whole. Founding and enrolment are not counted. PostgreSQL and
S3, two workers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, Final

from crypto.age.identities import recipient_of
from crypto.digests import sha256
from crypto.keys import HybridIdentity
from crypto.statements.exchange import AccessRequest, Declaration, Purpose, Undertaking
from crypto.statements.registry import (
    Capacity,
    Role,
    Roster,
    RosterApproval,
    RosterMandate,
    SeatKind,
)
from tests.bench.paired import Figure
from tests.bench.served import PIECE_BYTES, Served, engines, get, of_today, served
from tests.support.broker_world import Deposit, Person, _seat
from tests.support.live_service import API, LiveService

DOSSIERS: Final = 60
MEMBERS: Final = 20
SITTINGS_A_YEAR: Final = 12
PAYLOAD_BYTES: Final = 300_000
DAYS: Final = 5
AT_ONCE: Final = 6
"""Members at work at the same moment."""

SHARE: Final = 4
"""The part that is run: one member in so many, each taking every dossier."""


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
            seats=tuple(_seat(each.seat, SeatKind.DESIGNATED, None) for each in seated),
            mandates=tuple(
                RosterMandate(
                    mandate=each.mandate,
                    seat=each.seat,
                    person=each.person,
                    capacity=Capacity.TITULAR,
                    from_day=date(2026, 1, 1),
                    to_day=date(2028, 12, 31),
                    decree=None,
                )
                for each in seated
            ),
            approvals=(
                RosterApproval(
                    organisation="altair",
                    label="Altaïr",
                    rna="W920000000",
                    from_day=date(2026, 1, 1),
                    to_day=date(2028, 12, 31),
                    decree=None,
                ),
            ),
        )


def measure() -> Iterator[Figure]:
    """Deposits, then releases and downloads; the year by multiplication."""
    with tempfile.TemporaryDirectory() as name, engines():
        live = of_today(Busy, Path(name) / "live", days_ago=DAYS)
        live.found()
        members = [live.people[f"m{number}"] for number in range(MEMBERS)]
        sitting = live.publish_sitting(*(f"m{number}" for number in range(MEMBERS)))
        count = DOSSIERS // SHARE
        began = time.perf_counter()
        made = [
            live.deposit(live.people["nadia"], sitting, *members, size=PAYLOAD_BYTES)
            for _ in range(count)
        ]
        depositing = (time.perf_counter() - began) * DOSSIERS / count
        live.publish_agenda(sitting, *made)
        live.advance(days=DAYS)
        with served(live, Path(name)) as running:
            began = time.perf_counter()
            taking = members[::SHARE]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda each: _takes(running, each, sitting, made), taking))
            reading = time.perf_counter() - began
        done = len(taking) * count
        live.shut()
    yield Figure(
        f"a deposit for {MEMBERS} members, sealed, sent, committed",
        f"{depositing / DOSSIERS * 1000:.0f} ms",
    )
    yield Figure(
        f"{done} releases and downloads, {AT_ONCE} members at once, no error",
        f"{reading:.1f} s, {done / reading:.1f}/s",
    )
    year = SITTINGS_A_YEAR * (depositing + reading * DOSSIERS * MEMBERS / done)
    yield Figure(
        f"a year: {SITTINGS_A_YEAR} sittings of {DOSSIERS} dossiers and {MEMBERS} members "
        "(multiplied), goal 60 min",
        f"{year / 60:.0f} min",
    )


def _takes(running: Served, who: Person, sitting: str, made: list[Deposit]) -> None:
    """What ``pack get`` asks of the service: undertaking, declaration, one request, every payload."""
    live = running.live
    cookie, line = running.cookie(who), running.connection()
    now = running.now().replace(microsecond=0)
    undertaking = live.by(
        who, Undertaking, mandate=who.mandate, text_sha256=sha256(b"engagement"), issued_at=now
    )
    running.post(line, "/statements", {"statement": undertaking.envelope.decode()}, cookie)
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
