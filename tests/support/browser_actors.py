"""People in browsers, as the core of the pages' scripts runs under node, driven by pytest."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from exchange.demo.world import PASSPHRASE
from tests.support.small_commission import SmallCommission

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "exchange" / "web" / "frontend"

LIED = ("hostile", "signature", "untrusted", "malformed")
"""The kinds of error of a browser that does not believe the service."""


def can_run() -> bool:
    """Whether Node and the scripts' dependencies are there."""
    return shutil.which("node") is not None and (FRONTEND / "node_modules").is_dir()


class RefusedError(AssertionError):
    """A browser's core threw an explained error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@dataclass(frozen=True)
class Actors:
    """The node process; each ``who`` is one browser with its own memory."""

    process: subprocess.Popen[str]
    url: str

    def does(self, who: str, act: str, **values: Any) -> Any:
        """One act of one browser; raises RefusedError."""
        request = {"do": act, "who": who, "url": self.url, **values}
        questions, answers = _pipes(self.process)
        questions.write(json.dumps(request) + "\n")
        questions.flush()
        answer = json.loads(answers.readline())
        if "error" in answer:
            raise RefusedError(answer["kind"], answer["error"])
        return answer["result"]


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@contextmanager
def actors(directory: Path, url: str) -> Iterator[Actors]:
    """Bundle the actor script and run it until the block ends."""
    script = directory / "actor.mjs"
    subprocess.run(
        ["node", "tests/bundle.mjs", "actor", str(script)], cwd=FRONTEND, check=True, timeout=60
    )
    process = subprocess.Popen(
        ["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    questions, answers = _pipes(process)
    try:
        yield Actors(process, url)
    finally:
        questions.close()
        process.wait(timeout=20)
        answers.close()


def brings(browsers: Actors, world: SmallCommission, who: str, kind: str = "device") -> Any:
    """A person opens in a browser the key that the command line made for them."""
    browsers.does(
        who,
        "import",
        keyFile=str(world.people[who].directory / "identity.age"),
        trust=str(world.directory / "trust.json"),
        passphrase=PASSPHRASE,
        kind=kind,
    )
    return browsers.does(who, "login")


def under_attack(browsers: Actors, who: str, lie: str, act: str, /, **values: Any) -> str:
    """The kind of error with which the browser refuses; afterwards the same act is let through."""
    browsers.does(who, "attack", kind=lie)
    try:
        with pytest.raises(RefusedError) as refused:
            browsers.does(who, act, **values)
    finally:
        browsers.does(who, "attack", kind=None)
    return refused.value.kind
