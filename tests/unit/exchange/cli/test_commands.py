"""What every command keeps to: exit statuses, languages, help."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exchange.cli.main import COMMANDS, run_command
from exchange.client.errors import TransportError
from exchange.wiring.client import Surroundings
from tests.support.office import Office


def test_exit_statuses(office: Office) -> None:
    """0 done, 1 refused, 2 wrong usage, 3 not reachable; one line says why, never a traceback."""
    assert office.run("x", "sittings").status == 1
    for words in (("rien",), ("deposit",), ("pack", "get"), ("key", "new", "--rien")):
        outcome = office.run("x", *words)
        assert outcome.status == 2, words
        assert outcome.err.startswith("Erreur : ")
        assert "Traceback" not in outcome.err

    class Away:
        def send(self, _request: object) -> object:
            raise TransportError("Le service ne répond pas.")

    office.server = Away()  # type: ignore[assignment]
    surroundings = Surroundings(pause=lambda _seconds: None, connect=lambda _url: Away())  # type: ignore[arg-type,return-value]
    words = ("--profile", str(office.folder / "secretariat"), "--passphrase-file")
    status = run_command([*words, str(office.folder / "passphrase"), "sittings"], surroundings)
    assert status == 3


def test_debug_shows_the_trace(office: Office) -> None:
    """Only --debug shows where an error comes from."""
    assert "Traceback" not in office.run("x", "sittings").err
    assert "Traceback" in office.run("x", "--debug", "sittings").err


def test_no_terminal_no_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and a file the command says what to give, and waits for nothing."""
    monkeypatch.delenv("DOSSIER_PASSPHRASE_FILE", raising=False)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert run_command(["--profile", str(tmp_path), "key", "new"]) == 1
    assert "--passphrase-file" in capsys.readouterr().err


def test_languages(office: Office) -> None:
    """French first; English by --lang or by the environment."""
    assert "existe pas" in office.run("x", "rien").err
    assert run_command(["--lang", "en", "--help"]) == 0


def test_help_is_quick() -> None:
    """``dossier --help`` imports neither cryptography, nor pydantic, nor the network."""
    code = (
        "import sys; from exchange.cli.main import run_command; run_command(['--help']);"
        "bad = {'pydantic', 'urllib3', 'cryptography', 'flask', 'rich', 'sqlalchemy'} & set(sys.modules);"
        "sys.exit(1 if bad else 0)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - started < 3


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command of this installation loads and explains itself."""
    from exchange.cli.main import dossier

    context = dossier.make_context("dossier", ["--help"], resilient_parsing=True)
    names = dossier.list_commands(context)
    assert {"key", "enrol", "deposit", "pack", "registrar", "audit"} <= set(names) <= set(COMMANDS)
    for name in names:
        assert run_command([name, "--help"]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 3
