"""A depositor's ``deposit`` before a server that lies."""

from __future__ import annotations

from typing import Any

import pytest

from crypto.errors import ExplainedError
from crypto.statements.exchange import Kind, Manifest, Purpose
from crypto.statements.registry import Role
from exchange.client.deposit import Wanted, make_deposit, plan
from exchange.usecases import facts
from tests.support.client_world import Scene


def wanted(scene: Scene, **options: Any) -> Wanted:
    folder = scene.folder / "papers" / "nadia"
    return Wanted(scene.sitting, Kind.ENGAGEMENT, (folder,), any_type=True, **options)


def refused(scene: Scene, *kinds: type[ExplainedError]) -> None:
    """A deposit that must fail before anything sealed or signed reaches the server."""
    before = len(scene.server.uploads)
    with pytest.raises(kinds):
        desk = scene.desk("nadia")
        make_deposit(desk, plan(desk, wanted(scene)))
    assert all(not upload.parts for upload in scene.server.uploads.values())
    assert not scene.server.world.index.find(Manifest)
    assert len(scene.server.uploads) <= before + 1


def readers_of(scene: Scene) -> set[str]:
    (manifest,) = scene.server.world.index.find(Manifest)
    names = {person.certificate: name for name, person in scene.server.world.people.items()}
    return {
        names[entry.certificate]
        for entry in manifest.statement.envelopes
        if entry.purpose is Purpose.READ
    }


def late_member(scene: Scene) -> None:
    """A new member, seated after the deposits."""
    world = scene.server.world
    person = world.enrol("Hugo Tardif", "mairie", Role.MEMBER)
    person.seat = "mairie"
    person.mandate = world.new_id()
    world.people["hugo"] = person
    last = facts.latest_roster(world.index)
    assert last is not None
    world.post(world.roster(2, last.digest))
    scene.sitting = world.publish_sitting("claire", "hugo", "odile", of=scene.sitting)
