"""The service as a process of its own, as an operator would start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import urllib3

START_SECONDS: Final = 30
"""Two workers import everything on a slow disk in about 3 s; ten times that is a failure."""

STOP_SECONDS: Final = 15
"""Requests end within their own time limits; after this the process is killed."""


class ServiceDidNotStartError(Exception):
    """The service process ended or did not answer in time; its log says why."""


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ServiceProcess:
    """``dossier serve`` under way; ``log`` receives what it prints."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> None:
        """End it as an operator would, and wait."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(settings: Path, url: str, log: Path, *, prefix: Sequence[str] = ()) -> ServiceProcess:
    """Start ``dossier serve`` and wait until it answers; raises ServiceDidNotStartError.

    ``prefix`` is a command that runs another (``nice``, a debugger, a clock of its own).
    """
    words = ["serve", "--settings", str(settings)]
    return start_command(words, log, lambda: _answers(url), url=url, prefix=prefix)


def start_command(
    words: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    *,
    url: str,
    prefix: Sequence[str] = (),
) -> ServiceProcess:
    """Start ``dossier WORDS`` and wait until it is ``ready``; raises ServiceDidNotStartError."""
    command = [*prefix, sys.executable, "-m", "exchange.cli", *words]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ.copy())
    started = ServiceProcess(process, url, log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if ready():
            return started
        time.sleep(0.05)
    started.stop()
    raise ServiceDidNotStartError(f"le service n'a pas démarré ; voir {log}")


def _answers(url: str) -> bool:
    try:
        response = urllib3.request("GET", f"{url}/healthz", timeout=1, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return response.status == 200
