"""Where the demonstration plays, and who is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from exchange.demo.cast import Player
from exchange.demo.commands import Outcome, Person
from exchange.demo.narrator import Narrator
from exchange.demo.service_process import ServiceProcess

PASSPHRASE: Final = "phrase de passe de démonstration, sans aucune valeur"  # noqa: S105
"""The same for all: these keys protect nothing."""

WORK_FACTOR: Final = "12"
"""scrypt 2^12: unlocking must not take half of the minute; the default is 2^18."""


@dataclass
class World:
    """The directory, the running service, and what the story has learnt so far."""

    directory: Path
    narrator: Narrator
    clock: Callable[[], datetime]
    database: str = ""
    """Where the service keeps its rows; empty: a file in its directory."""
    objects: str = ""
    """Where it keeps ciphertexts; empty: a folder in its directory."""
    url: str = ""
    service: ServiceProcess | None = None
    separate_broker: bool = False
    """Whether the broker is a process of its own."""
    broker: ServiceProcess | None = None
    broker_url: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """The opaque id of each enrolled player."""
    sitting: str = ""
    references: dict[str, str] = field(default_factory=dict)
    """The reference of each deposited dossier, by its key."""

    @property
    def server_directory(self) -> Path:
        """All that the service keeps, the broker excepted."""
        return self.directory / "server"

    @property
    def broker_directory(self) -> Path:
        """The broker's store."""
        return self.directory / "broker"

    @property
    def dossiers_directory(self) -> Path:
        """The papers, as they lie on the associations' machines."""
        return self.directory / "dossiers"

    @property
    def settings_file(self) -> Path:
        """The service's settings."""
        return self.server_directory / "settings.toml"

    @property
    def registrar(self) -> Person:
        """The secretariat of the commission."""
        return self.people["secretariat"]

    def stop(self) -> None:
        """End the processes."""
        for process in (self.service, self.broker):
            if process is not None:
                process.stop()

    def arrives(self, key: str) -> Person:
        """A machine for a new person."""
        home = self.directory / "people" / key
        home.mkdir(parents=True)
        passphrase = home / "passphrase.txt"
        passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        passphrase.chmod(0o600)
        person = Person(key, home, passphrase)
        self.people[key] = person
        return person

    def home(self, player: Player) -> Path:
        """A person's directory."""
        return self.directory / "people" / player.key

    def refused(self, promise: str, outcome: Outcome) -> None:
        """Check aloud that a command was refused (exit status 1), and quote why."""
        self.narrator.holds(promise, true=outcome.status == 1)
        reason = outcome.complained.strip().splitlines()
        if reason:
            self.narrator.quotes(f"  « {reason[0]} »")
