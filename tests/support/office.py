"""A commission in one process: its commands typed as people type them.

``Office`` works before a server in memory that can lie, ``LiveOffice`` before the real service.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from crypto.edge.identity import Identity
from crypto.keys import MasterSeed
from exchange.cli.main import run_command
from exchange.client.keys import store_seed
from exchange.client.profile import Profile
from exchange.client.wire import Wire
from exchange.wiring.client import Surroundings
from tests.support.broker_world import World
from tests.support.flask_wire import FlaskWire
from tests.support.hostile_server import URL, HostileServer
from tests.support.live_service import URL as LIVE_URL
from tests.support.live_service import LiveService

PASSPHRASE = "une phrase de passe inventée"


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    def data(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


def _written(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


class Office:
    """A commission with an empty register, and desks to work at."""

    url = URL
    world: World

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begin()
        (folder / "passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
        seed = MasterSeed.generate(os.urandom)
        self.world.registrar = Identity(seed)._signing_seed
        self.world.publish_trust()
        (folder / "trust.json").write_bytes(self.world.trust.to_json())
        profile = Profile(folder / "secretariat")
        store_seed(profile, seed, PASSPHRASE, log_n=10, entropy=os.urandom)
        profile.change(kind="registrar", server=self.url)
        profile.pin(self.world.trust)

    def _begin(self) -> None:
        self.server = HostileServer(self.folder / "broker")
        self.world = self.server.world

    def wire(self) -> Wire:
        """A connection to the service."""
        return self.server

    def run(self, who: str, *words: str) -> Outcome:
        surroundings = Surroundings(
            clock=lambda: self.world.now,
            pause=lambda _seconds: None,
            connect=lambda _url: self.wire(),
        )
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            status = run_command(
                [
                    *("--profile", str(self.folder / who)),
                    *("--passphrase-file", str(self.folder / "passphrase"), *words),
                ],
                surroundings,
            )
        return Outcome(status, _written(out), _written(err))

    def join(self, who: str, organisation: str, role: str) -> str:
        """Invite, enrol, certify; the person's id."""
        file = self.folder / f"{who}.json"
        invited = self.run(
            *("secretariat", "registrar", "invite", "--name", who.title(), "--role", role),
            *("--organisation", organisation, "--out", str(file), "--json"),
        ).data()
        enrolled = self.run(
            *(who, "enrol", str(file), "--fingerprint", invited["trust_fingerprint"]),
            *("--work-factor", "10", "--json"),
        ).data()
        certified = self.run(
            *("secretariat", "registrar", "certify", "--person", invited["person"]),
            *("--fingerprint", enrolled["fingerprint"], "--json"),
        ).data()
        assert len(certified) == 1
        return str(invited["person"])


def roster(person: str) -> str:
    return f"""
[[seats]]
seat = "cdom"
kind = "designated"
label = "Ordre des médecins"
voting = true
alternates = false
[[seats]]
seat = "altair"
kind = "association"
label = "Altaïr"
voting = true
alternates = true
organisation = "altair"
[[mandates]]
seat = "cdom"
person = "{person}"
capacity = "titular"
from = 2026-01-01
to = 2028-12-31
[[approvals]]
organisation = "altair"
label = "Altaïr"
rna = "W000000000"
from = 2026-01-01
to = 2028-12-31
"""


def moment(office: Office, **later: float) -> str:
    return (office.world.now + timedelta(**later)).isoformat()


def sitting_with(office: Office, person: str) -> str:
    file = office.folder / "roster.toml"
    file.write_text(roster(person), encoding="utf-8")
    office.run("secretariat", "registrar", "seat", "--roster", str(file), "--json").data()
    return str(
        office.run(
            *("secretariat", "registrar", "sitting", "--deposit-by", moment(office, days=2)),
            *("--opens", moment(office, days=3), "--closes", moment(office, days=5)),
            *("--convoke", "--json"),
        ).data()["sitting"]
    )


class LiveOffice(Office):
    """The same before the real service: its application, database, objects, log and broker."""

    url = LIVE_URL

    def _begin(self) -> None:
        self.live = LiveService(self.folder / "service")
        self.world = self.live

    def wire(self) -> Wire:
        return FlaskWire(self.live.app, self.url)
