"""Runs the ordinary commands of ``dossier``, one person at a time, and keeps what they print."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.cli.main import run_command
from exchange.demo.narrator import StepFailedError


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit status and what it printed."""

    status: int
    printed: str
    complained: str

    def data(self) -> Any:
        """What the command printed with ``--json``."""
        return json.loads(self.printed)


@dataclass(frozen=True)
class Person:
    """Somebody's machine: a profile directory and a passphrase in a file."""

    key: str
    directory: Path
    passphrase_file: Path

    def tries(self, *arguments: str) -> Outcome:
        """Run ``dossier ARGUMENTS`` as this person, whatever comes of it."""
        words = [
            "--profile",
            str(self.directory),
            "--passphrase-file",
            str(self.passphrase_file),
            *arguments,
        ]
        printed, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            status = run_command(words)
        return Outcome(status, printed.getvalue(), complained.getvalue())

    def does(self, *arguments: str) -> Outcome:
        """Run a command that must succeed; raises StepFailedError."""
        outcome = self.tries(*arguments)
        if outcome.status != 0:
            words = " ".join(arguments)
            raise StepFailedError(f"« dossier {words} » : {outcome.complained or outcome.printed}")
        return outcome
