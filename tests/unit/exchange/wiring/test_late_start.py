"""A worker that begins while the database is away answers so, and begins as soon as it is back."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.usecases.errors import UnavailableError
from exchange.wiring.late_start import PAUSE_SECONDS, LateStart
from storage.errors import SchemaVersionError


class Away:
    """Something to make that is away at first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.now = 0.0
        self.attempts = 0
        self.late = LateStart(self.make, lambda: self.now)

    def make(self) -> Any:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)

        def application(_environ: Any, start: Any) -> list[bytes]:
            start("200 OK", [])
            return [b"real"]

        return application

    def ask(self, path: str = "/api/v1/status") -> tuple[str, bytes]:
        said = []
        body = b"".join(
            self.late({"PATH_INFO": path}, lambda status, _headers: said.append(status))
        )  # type: ignore[arg-type,func-returns-value]
        return said[0], body


def test_it_says_so_and_is_alive() -> None:
    """Every request is answered at once: 503 with a problem document, and 200 for /healthz."""
    away = Away(UnavailableError("la base est absente"))
    status, body = away.ask()
    assert status.startswith("503")
    assert b"urn:dossier-exchange:problem:unavailable" in body
    assert away.ask("/healthz")[0].startswith("200")
    assert away.attempts == 1


def test_it_begins_when_the_database_is_back() -> None:
    """After a pause the next request finds the real application, made once."""
    away = Away(UnavailableError("absente"), UnavailableError("absente"))
    assert away.ask()[0].startswith("503")
    for _ in range(3):
        away.now += PAUSE_SECONDS
        away.ask()
    assert away.ask() == ("200 OK", b"real")
    assert away.attempts == 3


def test_what_is_wrong_by_then_is_no_answer_either() -> None:
    """A schema of another version is journalled; nothing is served on it."""
    away = Away(SchemaVersionError("autre version"))
    assert away.ask()[0].startswith("503")


def test_a_fault_of_ours_is_not_hidden() -> None:
    """What nobody explained is an error of the worker, seen as one."""
    with pytest.raises(ZeroDivisionError):
        Away(ZeroDivisionError()).ask()
