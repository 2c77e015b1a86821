"""Several openings in one operation of the broker: they share its flushes, and no one's checks."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from crypto.digests import sha256
from exchange.broker.in_process import InProcessBroker
from exchange.broker.record import LINES_TOGETHER
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import Scene
from tests.support.power_loss import Disk, PowerFailure, failing
from tests.support.release_attempts import attempt, recorded


def test_each_is_answered_and_recorded(scene: Scene) -> None:
    """More than one operation takes: every answer is in the record, in the order asked."""
    broker = scene.world.broker
    shown = [attempt(scene) for _ in range(LINES_TOGETHER + 2)]
    answers = broker.open_all(shown)
    assert len({bytes(each) for each in answers if isinstance(each, bytes)}) == len(shown)
    named = [each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)]
    assert named == [sha256(bytes(each)) for each in answers]  # type: ignore[arg-type]
    assert broker.open_all(shown) == answers
    assert len(recorded(broker, RecordKind.OPENED)) == len(shown)


def test_a_refusal_stops_no_other(scene: Scene) -> None:
    """In the middle of good ones: its own outcome, recorded as a refusal."""
    broker = scene.world.broker
    good = [attempt(scene), attempt(scene)]
    bad = replace(attempt(scene), release=scene.world.receipt(0))
    first, refused, last = broker.open_all([good[0], bad, good[1]])
    assert isinstance(first, bytes)
    assert isinstance(last, bytes)
    assert isinstance(refused, BrokerRefusalError)
    assert refused.params["reason"] == "not-authorised"
    assert [each.facts["reason"] for each in recorded(broker, RecordKind.REFUSED)] == [
        "not-authorised"
    ]


def test_the_same_twice_is_one_answer(scene: Scene) -> None:
    """Asked for twice in one operation: the same bytes, recorded once."""
    broker, shown = scene.world.broker, attempt(scene)
    one, other = broker.open_all([shown, shown])
    assert one == other
    assert len(recorded(broker, RecordKind.OPENED)) == 1


def test_what_comes_with_one_counts_for_all(scene: Scene) -> None:
    """A revocation shown with the second request stops the first, which came without it."""
    world = scene.world
    first, second = attempt(scene), attempt(scene)
    revocation = world.attest(world.revoke(scene.member, acknowledge=False))
    with_news = replace(second, statements=(*second.statements, revocation))
    outcomes = world.broker.open_all([first, with_news])
    assert [type(each) for each in outcomes] == [BrokerRefusalError] * 2
    assert recorded(world.broker, RecordKind.OPENED) == []


def test_power_fails_over_several(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each write and flush: what is recorded is what is answered afterwards, for every one of them."""
    shown = [attempt(scene) for _ in range(4)]
    broken, done = 0, False
    while not done:
        store = Path(shutil.copytree(scene.world.directory, tmp_path / f"store-{broken}"))
        broker, disk = _broker(scene, store), Disk(store)
        with failing(monkeypatch, disk, broken), contextlib.suppress(PowerFailure):
            broker.open_all(shown)
            done = True
        for left in (disk.survivors(tmp_path / f"lost-{broken}"), store):
            _same_afterwards(_broker(scene, left), shown)
        broken += 1
    assert broken >= 8


def _broker(scene: Scene, directory: Path) -> InProcessBroker:
    broker = InProcessBroker(directory, lambda: scene.world.now, os.urandom)
    broker.cosigner.last_size()
    return broker


def _same_afterwards(broker: InProcessBroker, shown: list[OpenRequest]) -> None:
    before = {each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)}
    digests = [sha256(bytes(each)) for each in broker.open_all(shown)]  # type: ignore[arg-type]
    assert before <= set(digests)
    named = [each.cites["answer"] for each in recorded(broker, RecordKind.OPENED)]
    assert sorted(named) == sorted(digests)
