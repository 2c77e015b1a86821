"""A witness as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import urllib3

from exchange.demo.service_process import free_port
from tests.support.small_commission import wait_until

DOSSIER = Path(sys.executable).parent / "dossier"


@dataclass
class WitnessProcess:
    """A witness under way, which can be killed and started again."""

    command: list[str]
    url: str
    vkey: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def kill(self) -> None:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        self.process.kill()
        for child in children.split():
            os.kill(int(child), 9)
        self.process.wait()

    def _answers(self) -> bool:
        try:
            urllib3.request("GET", self.url, timeout=1, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return True


def make_witness(folder: Path, log_vkey: Path, name: str = "temoin.example/nous") -> WitnessProcess:
    """A new one, which is not started yet."""
    made = subprocess.run(
        [
            *(DOSSIER, "witness", "init", "--directory", folder, "--name", name),
            *("--log-vkey", log_vkey, "--json"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    port = free_port()
    command = [str(DOSSIER), "witness", "serve", "--directory", str(folder)]
    command += ["--listen", f"127.0.0.1:{port}"]
    return WitnessProcess(command, f"http://127.0.0.1:{port}", json.loads(made.stdout)["vkey"])
