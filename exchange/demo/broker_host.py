"""The broker in a process of its own, made and opened as its operator would."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from exchange.broker.process.counter import answers
from exchange.demo.commands import Person
from exchange.demo.service_process import ServiceProcess, free_port, start_command
from exchange.demo.world import WORK_FACTOR, World

HOST: Final = "127.0.0.1"


def choose_broker_address(world: World) -> str:
    """Where the broker will listen; nothing does yet."""
    world.broker_url = f"https://{HOST}:{free_port()}"
    return world.broker_url


def install_broker(world: World) -> None:
    """On "another host": make the broker, start it, unlock it; then the instance adopts it."""
    operator = world.arrives("gardien")
    directory = world.broker_directory
    operator.does(
        *("broker", "init", "--directory", str(directory), "--host", HOST),
        *("--listen", world.broker_url.removeprefix("https://")),
        *("--trust", str(world.server_directory / "trust.json")),
        *("--log-vkey", str(world.server_directory / "log.vkey")),
        *("--work-factor", WORK_FACTOR),
    )
    # What its operator carries to the service's host does not stay on the broker's.
    carried = world.directory / "people" / "gardien" / "service"
    shutil.move(directory / "service", carried)
    world.broker = start_broker(directory)
    unlock(operator, directory)
    operator.does("broker", "attach", str(carried), "--settings", str(world.settings_file))
    world.narrator.says("Le gardien des clés tourne à part ; son exploitant l'a déverrouillé.")


def start_broker(directory: Path, *, prefix: tuple[str, ...] = ()) -> ServiceProcess:
    """``dossier broker serve``, locked until ``unlock``."""
    words = ("broker", "serve", "--settings", str(directory / "broker.toml"))
    log = directory.with_name("broker.log")
    return start_command(words, log, lambda: answers(directory), url="", prefix=prefix)


def unlock(operator: Person, directory: Path) -> None:
    """``dossier broker unlock`` with the operator's passphrase."""
    operator.does("broker", "unlock", "--directory", str(directory))
