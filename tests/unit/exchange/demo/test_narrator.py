"""The story is honest: a promise that does not hold ends it, and the command says so."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from exchange.cli.main import run_command
from exchange.demo import story
from exchange.demo.narrator import Narrator, StepFailedError
from exchange.demo.world import World
from exchange.locale import ENGLISH, language


def test_a_broken_promise_is_an_error() -> None:
    """A promise that does not hold is never printed as kept."""
    console = Console(file=StringIO(), width=200)
    narrator = Narrator(console)
    with narrator.chapter("Clore la séance"), pytest.raises(StepFailedError, match="favorable"):
        narrator.holds("le verdict est favorable", true=False)
    assert "✓" not in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_story_is_told_in_english_too() -> None:
    """Titles, lines and promises follow the reader's language; figures stay."""
    console = Console(file=StringIO(), width=200)
    narrator = Narrator(console)
    token = language.set(ENGLISH)
    try:
        with narrator.chapter("Clore la séance"):
            narrator.says("Le service tourne, dans son propre processus.")
            narrator.holds(
                "{name} reçoit {count} dossiers, et aucun autre", true=True, name="A", count=5
            )
        console.print(narrator.table())
    finally:
        language.reset(token)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("Closing the sitting", "process of its own", "A receives 5 dossiers", "Checks"):
        assert words in told


def test_the_command_fails_with_the_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``dossier demo`` exits with 1 and names the promise that broke."""

    def broken(world: World) -> None:
        world.narrator.holds("avant l'ouverture, rien ne s'ouvre", true=False)

    monkeypatch.setattr(story, "CHAPTERS", (broken,))
    assert run_command(["demo", "--directory", str(tmp_path / "new")]) == 1
    assert "avant l'ouverture, rien ne s'ouvre" in capsys.readouterr().out
    assert run_command(["demo", "--directory", str(tmp_path)]) == 2


def test_an_interrupted_story_leaves_no_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the story, the service that it started is stopped."""
    stopped = []

    class Service:
        def stop(self) -> None:
            stopped.append(True)

    def interrupted(world: World) -> None:
        world.service = Service()  # type: ignore[assignment]
        raise KeyboardInterrupt

    monkeypatch.setattr(story, "CHAPTERS", (interrupted,))
    assert run_command(["demo", "--directory", str(tmp_path / "new")]) == 1
    assert stopped == [True]
