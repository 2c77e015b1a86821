"""A hostile server passes a dossier as one that is on the agenda."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.statements.agenda import AgendaOpening
from exchange.usecases.errors import BrokerRefusalError
from tests.support.broker_world import Scene
from tests.support.openings import open_one
from tests.support.release_attempts import attempt, refused


def test_off_the_agenda(scene: Scene) -> None:
    """A dossier that left the agenda is not read."""
    scene.world.publish_agenda(scene.sitting, scene.other)
    assert refused(scene, attempt(scene)) == "not-on-agenda"


def test_agenda_item_left_out(scene: Scene) -> None:
    """What is not shown to be on the agenda is not on it: the broker takes no dossier for granted."""
    assert refused(scene, replace(attempt(scene), item=None)) == "not-on-agenda"


def test_agenda_item_of_another_dossier(scene: Scene) -> None:
    """Another dossier's line proves nothing of this one."""
    item = scene.world.opening_of(scene.sitting, scene.other.manifest.digest)
    assert refused(scene, replace(attempt(scene), item=item)) == "not-on-agenda"


def test_agenda_item_that_was_changed(scene: Scene) -> None:
    """A line that the registrar did not commit to, or of a past version, is refused as such."""
    world, shown = scene.world, attempt(scene)
    assert shown.item is not None
    other = shown.item.content.replace(b'"rank":', b'"rank":1')
    assert other != shown.item.content
    for forged in (
        AgendaOpening(shown.item.opening, other),
        AgendaOpening(bytes(32), shown.item.content),
        AgendaOpening(b"short", shown.item.content),
        AgendaOpening(shown.item.opening, b"nonsense"),
    ):
        assert refused(scene, replace(shown, item=forged)) == "foreign-item"
    world.publish_agenda(scene.sitting, scene.deposit, scene.other)
    assert refused(scene, replace(attempt(scene), item=shown.item)) == "foreign-item"


def test_broker_keeps_no_agenda(scene: Scene) -> None:
    """What a request showed of the agenda is forgotten with it."""
    world = scene.world
    shown = attempt(scene)
    assert open_one(world.broker, shown)
    with pytest.raises(BrokerRefusalError) as caught:
        open_one(world.broker, replace(attempt(scene), item=None))
    assert caught.value.params["reason"] == "not-on-agenda"
