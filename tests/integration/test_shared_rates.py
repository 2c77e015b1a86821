"""Limits on what strangers may write are one limit, however many workers serve."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.settings import CookieSecret
from exchange.usecases.errors import UnavailableError
from exchange.usecases.service import Service
from exchange.usecases.sweep import sweep
from exchange.web.throttle import Throttle
from storage.database.engine import make_engine
from storage.database.rates import rates
from tests.support.live_service import API, LiveService, post

LIMIT = 3


class Workers(LiveService):
    """The service, and further processes over the same files, which are closed at the end."""

    def another(self) -> Service:
        wired = self.wire()
        self.others = [*getattr(self, "others", []), wired]
        return wired.service

    def shut(self) -> None:
        for each in self.others:
            each.close()
        super().shut()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    made = Workers(tmp_path_factory.mktemp("rates"))
    yield made
    made.shut()


SECRET = CookieSecret(b"s" * 32)


def worker(live: Workers, limit: int = LIMIT) -> Throttle:
    """Another process's count over the same database."""
    service = live.another()
    return Throttle(
        replace(service, limits=replace(service.limits, anonymous_writes=limit)), SECRET
    )


def test_workers_count_together(live: Workers) -> None:
    """Four requests to four workers are four requests; another address has a count of its own."""
    workers = [worker(live) for _ in range(LIMIT + 1)]
    assert [each.allows("192.0.2.1") for each in workers] == [True] * LIMIT + [False]
    assert workers[-1].allows("192.0.2.2")


def test_the_next_minute_is_open_again(live: Workers) -> None:
    """A full window ends; its count does not go on."""
    one = worker(live)
    assert [one.allows("192.0.2.3") for _ in range(LIMIT + 1)][-1] is False
    live.advance(minutes=1)
    assert one.allows("192.0.2.3")


def test_one_ipv6_site_counts_as_one(live: Workers) -> None:
    """Whoever has a /64 has 2^64 addresses, and one count."""
    one = worker(live)
    passed = [one.allows(f"2001:db8::{number:x}") for number in range(1, LIMIT + 2)]
    assert passed == [True] * LIMIT + [False]
    assert one.allows("2001:db8:0:1::1")


def test_no_address_is_written_anywhere(live: Workers) -> None:
    """The database holds a keyed hash of the window's, from which no address can be tried out."""
    assert worker(live).allows("203.0.113.77")
    for path in Path(live.directory).rglob("*"):
        if path.is_file():
            assert b"203.0.113.77" not in path.read_bytes(), path
    other = Throttle(live.another(), CookieSecret(os.urandom(32)))
    assert other.allows("203.0.113.77")


def test_a_flood_costs_no_query_once_it_is_known(live: Workers) -> None:
    """The worker that counted enough by itself refuses without asking the database."""
    service = live.another()
    asked = []

    def count() -> object:
        asked.append(1)
        return service.transactions()

    limits = replace(service.limits, anonymous_writes=LIMIT)
    one = Throttle(replace(service, limits=limits, transactions=count), SECRET)  # type: ignore[arg-type]
    assert [one.allows("198.51.100.1") for _ in range(50)] == [True] * LIMIT + [False] * 47
    assert len(asked) == LIMIT


def test_a_database_that_is_away_lets_no_stranger_in(live: Workers) -> None:
    """The count fails closed: what is limited would have written there anyway."""
    service = live.another()

    def away() -> None:
        raise UnavailableError("away")

    with pytest.raises(UnavailableError):
        Throttle(replace(service, transactions=away), SECRET).allows("198.51.100.2")  # type: ignore[arg-type]


def test_the_sweep_forgets_old_counts(live: Workers) -> None:
    """Counts of ended windows are removed: the table stays small."""
    assert worker(live).allows("198.51.100.3")
    engine = make_engine(live.settings.database_url)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(rates)) > 0
    live.advance(minutes=5)
    sweep(live.wired.service)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(rates)) == 0
    engine.dispose()


def test_the_service_answers_429(live: Workers) -> None:
    """By HTTP: a stranger who asks for challenges without end is told to wait, by any worker."""
    service = live.wired.service
    few = replace(service, limits=replace(service.limits, anonymous_writes=2))
    live.wired = replace(live.wired, service=few)
    answers = []
    for _ in range(3):
        live.app = live.new_app()
        answers.append(post(live.anonymous(), f"{API}/login/challenge", {}).status_code)
    assert answers == [200, 200, 429]
