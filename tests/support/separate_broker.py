"""The same small commission, its broker a real ``dossier broker serve`` with a clock of its own.

The world plays the server: it holds the log's key, every statement and the link's certificate. All
that it can do to the broker goes over mutual TLS to another process, whose clock libfaketime reads
from a file that the test writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from audit.note import NoteSigner
from crypto.keys import PartySigningSeed, ServiceSigningSeed
from crypto.trust import Trust
from exchange.broker.process.certificates import make_certificates
from exchange.broker.process.counter import answers
from exchange.demo.service_process import ServiceProcess, free_port, start_command
from exchange.remote_broker.client import RemoteBroker
from exchange.remote_broker.link import BrokerLink
from exchange.wiring.broker_host import BrokerPlan, make_broker_host, write_certificates
from tests.support.broker_world import Scene, World, furnish
from tests.support.broker_world_log import ORIGIN
from tests.support.memory_log import MemoryLogStore

FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
OWN_PROCESS: Final = [
    pytest.mark.own_process,
    pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is not installed"),
]
"""A module's marks: all its tests start the broker as a process."""

SEPARATE: Final = pytest.param("separate", marks=OWN_PROCESS)
"""A fixture's parameter: the broker as a process."""

LONG: Final = timedelta(days=36_500)
HOST: Final = "127.0.0.1"
SCRYPT_LOG_N: Final = 10


@dataclass
class SeparateWorld(World):
    """A ``World`` whose ``broker`` is the client of a process; ``stop`` ends it."""

    process: ServiceProcess | None = None
    clock_reading: str = "FAKETIME_NO_CACHE=1"
    """How often the process reads the clock's file: each time, so that a test may move it. That costs
    a file a reading; who measures reads it rarely.
    """

    def __post_init__(self) -> None:
        self.root = PartySigningSeed.generate(os.urandom)
        self.registrar = PartySigningSeed.generate(os.urandom)
        self.log_signer = NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom))
        root_key = self.root.verify_key()
        self.trust = Trust(commission=self.new_id(), root_keys=(root_key,), threshold=1)
        self.aside = self.directory.with_name(self.directory.name + "-aside")
        self.aside.mkdir()
        self.passphrase = os.urandom(24).hex()
        self.address = f"{HOST}:{free_port()}"
        self.broker_keys = self._make()
        self.start()
        self.broker = self.new_broker()  # type: ignore[assignment]
        self.store = MemoryLogStore()
        self.log = self.new_log(self.store)
        self.sittings = {}

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "now" and hasattr(self, "aside"):
            self._set_clock()

    def _make(self) -> Any:
        trust, vkey = self.aside / "trust.json", self.aside / "log.vkey"
        trust.write_bytes(self.trust.to_json())
        vkey.write_text(f"{self.log_signer.verifier}\n")
        plan = BrokerPlan(
            directory=self.directory,
            trust=trust,
            log_vkey=vkey,
            origin=None,
            host=HOST,
            listen=self.address,
            log_n=SCRYPT_LOG_N,
        )
        keys = make_broker_host(plan, self.passphrase, self.now, os.urandom)
        # Both the test's real clock and the broker's set one lie within this validity.
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        write_certificates(self.directory, make_certificates(HOST, long_ago, LONG))
        passphrase = self.aside / "passphrase"
        passphrase.write_text(self.passphrase + "\n")
        with (self.directory / "broker.toml").open("a") as settings:
            settings.write(f'passphrase_file = "{passphrase}"\n')
        return keys

    def start(self) -> None:
        """Start the process, unlocked by its credential, at the world's time."""
        self._set_clock()
        self.process = start_command(
            ["broker", "serve", "--settings", str(self.directory / "broker.toml")],
            self.aside / "broker.log",
            lambda: answers(self.directory),
            url="",
            prefix=(
                *("env", "TZ=UTC", f"LD_PRELOAD={FAKETIME}", "NO_FAKE_STAT=1"),
                *(f"FAKETIME_TIMESTAMP_FILE={self.aside / 'clock'}", self.clock_reading),
            ),
        )

    def stop(self) -> None:
        """End the process."""
        assert self.process is not None
        self.process.stop()

    def new_broker(self) -> RemoteBroker:  # type: ignore[override]
        """Another client of the same process."""
        link = BrokerLink(f"https://{self.address}", self.directory / "service")
        return RemoteBroker(link, ORIGIN)

    def _set_clock(self) -> None:
        clock = self.aside / "clock"
        new = clock.with_name("clock.new")
        # An offset, not a moment: under a clock that stands still, waiting never ends.
        offset = round((self.now - datetime.now(UTC)).total_seconds())
        new.write_text(f"{offset:+d}\n")
        new.replace(clock)


@contextmanager
def separate_scene(directory: Path) -> Iterator[Scene]:
    """The usual situation before a broker in a process of its own."""
    world = SeparateWorld(directory)
    try:
        yield furnish(world)
    finally:
        world.stop()


def world_of(scene: Scene) -> SeparateWorld:
    """The world of a scene before such a broker."""
    assert isinstance(scene.world, SeparateWorld)
    return scene.world
