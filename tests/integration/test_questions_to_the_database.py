"""How often the database is asked does not grow with what is asked about: no request per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.support.live_service import API, LiveScene, get, live_scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[LiveScene]:
    made = live_scene(tmp_path)
    yield made
    made.live.shut()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any database is sent inside."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def released(scene: LiveScene, *deposits: Any) -> int:
    """Ask for these deposits at once; how many statements that took."""
    wanted = deposits or (scene.deposit,)
    request = scene.live.request(scene.member, scene.sitting, *wanted)
    with counted() as sent:
        answer = scene.live.ask(scene.member, request)
    assert answer.status_code == 200
    assert len(answer.json["releases"]) == len(wanted), answer.json
    return len(sent)


def test_a_release_costs_the_same_however_many_declared(scene: LiveScene) -> None:
    """Colleagues who declared before are not looked up one by one."""
    live = scene.live
    released(scene, scene.other)
    alone = released(scene, scene.other)
    odile = live.people["odile"]
    live.undertake(odile)
    live.declare(odile, scene.sitting, scene.other)
    released(scene, scene.other)  # shows the broker what is new
    assert released(scene, scene.other) == alone


def test_a_second_deposit_costs_less_than_another_request(scene: LiveScene) -> None:
    """Two deposits of one request share what they rest on, its event's publication, and its receipts."""
    released(scene)
    alone = released(scene)
    assert released(scene, scene.deposit, scene.other) < 1.5 * alone


def test_an_auditors_listing_does_not_ask_row_by_row(scene: LiveScene) -> None:
    """With five more statements in the log the listing takes not one question more."""
    live = scene.live

    def listed() -> int:
        client = live.client(live.people["irene"])
        with counted() as sent:
            assert get(client, f"{API}/disclosures").data.endswith(b'{"end":true}\n')
        return len(sent)

    listed()  # logs in
    before = listed()
    for _ in range(5):
        released(scene)
    assert listed() == before


def test_a_sittings_page_does_not_ask_dossier_by_dossier(tmp_path: Path) -> None:
    """With two more dossiers on the agenda, the page takes not one question more, for any role."""
    scene = live_scene(tmp_path, days=1)
    live, sitting = scene.live, scene.sitting
    readers = (scene.member, scene.depositor, live.people["odile"], None)

    def asked() -> list[int]:
        numbers = []
        for who in readers:
            client = live.client(who)
            with counted() as sent:
                assert get(client, f"{API}/sittings/{sitting}").status_code == 200
            numbers.append(len(sent))
        return numbers

    asked()  # logs in
    before = asked()
    paul, claire, odile = (live.people[name] for name in ("paul", "claire", "odile"))
    more = [live.deposit(paul, sitting, claire, odile) for _ in range(2)]
    live.publish_agenda(sitting, scene.deposit, scene.other, *more)
    assert asked() == before
    live.shut()
