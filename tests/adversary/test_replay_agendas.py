"""Agendas that a bundle opens in part, falsely or not at all; the auditor's replay names it."""

from __future__ import annotations

import pytest

from exchange.replay.codes import Code
from exchange.usecases import facts
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.bundle_layout import (
    agenda_path,
)
from tests.support.broker_world import Scene
from tests.support.bundles import (
    Files,
    export,
    verify,
)
from tests.support.replay_frauds import codes, found, openings_file


def test_agenda_whose_items_are_kept_back(scene: Scene) -> None:
    """Commitments that the bundle does not open are counted, whether one is left out or all."""

    def cut(files: Files, kept: int) -> None:
        path = openings_file(scene, files)
        shown = AgendaShown.parse(files[path])
        files[path] = AgendaShown(agenda=shown.agenda, openings=shown.openings[:kept]).to_bytes()

    report = verify(scene.world, export(scene.world, lambda files: cut(files, 63)))
    assert found(report, Code.AGENDA_UNOPENED).params["count"] == "1"
    gone = export(scene.world, lambda files: files.pop(openings_file(scene, files)) and None)
    assert found(verify(scene.world, gone), Code.AGENDA_UNOPENED).params["count"] == "64"


def test_agenda_that_is_said_to_list_another_dossier(scene: Scene) -> None:
    """An item that the registrar did not commit to is named, and opens no release to doubt."""

    def change(files: Files) -> None:
        path = openings_file(scene, files)
        dossier = scene.deposit.dossier.encode()
        assert dossier in files[path]
        files[path] = files[path].replace(dossier, b"aaaaa-aaaaa")

    scene.world.release(scene.member, scene.sitting, scene.deposit)
    report = verify(scene.world, export(scene.world, change))
    assert found(report, Code.AGENDA_FOREIGN)
    assert {Code.AGENDA_UNOPENED, Code.RELEASE_UNLAWFUL} <= codes(report)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"agenda":"x","openings":[]}'])
def test_agenda_file_that_cannot_be_read(scene: Scene, content: bytes) -> None:
    """A file of openings that is not of the form is named."""

    def change(files: Files) -> None:
        files[openings_file(scene, files)] = content

    assert found(verify(scene.world, export(scene.world, change)), Code.AGENDA_FOREIGN)


def test_openings_of_an_older_version(scene: Scene) -> None:
    """Each version is salted anew: what opened the one before opens nothing of the next."""
    world = scene.world
    before = facts.latest_agenda(world.index, scene.sitting)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other)
    after = facts.latest_agenda(world.index, scene.sitting)
    assert before
    assert after
    assert not set(before.statement.items) & set(after.statement.items)

    def change(files: Files) -> None:
        old = AgendaShown.parse(files[agenda_path(before.digest)])
        swapped = AgendaShown(agenda=after.digest, openings=old.openings)
        files[agenda_path(after.digest)] = swapped.to_bytes()

    report = verify(world, export(world, change))
    assert found(report, Code.AGENDA_UNOPENED).params["count"] == "64"
