"""What log and broker's record say differently: the auditor's replay names it."""

from __future__ import annotations

from crypto.digests import Digest
from exchange.replay.codes import Code
from exchange.replay.report import Verdict
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.bundle_layout import (
    RECORD_CHECKPOINT_PATH,
    RECORD_PATH,
)
from tests.support.broker_world import Scene
from tests.support.bundles import (
    Files,
    MemoryBundle,
    collect,
    export,
    sign,
    verify,
)
from tests.support.replay_frauds import NOTHING, authorise, found, read


def opened_aside(scene: Scene, **facts: str) -> None:
    """The broker records an opening; how it came to open is not the question."""
    request = scene.world.request(scene.member, scene.sitting, scene.deposit)
    with scene.world.broker._entered() as desk:
        desk.enter(
            RecordKind.OPENED,
            cites={
                "access_request": request.digest,
                "certificate": scene.member.certificate,
                "manifest": scene.deposit.manifest.digest,
                "answer": Digest(NOTHING),
            },
            facts={"deposit": scene.deposit.deposit, "purpose": "read", **facts},
        )


def test_opened_but_not_logged(scene: Scene) -> None:
    """An opening in the broker's record that the log does not authorise is named."""
    opened_aside(scene, index="3")
    found(verify(scene.world), Code.OPENED_NOT_LOGGED)


def test_opened_for_somebody_else(scene: Scene) -> None:
    """An opening for another certificate than the log says is named."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    with world.broker._entered() as desk:
        desk.enter(
            RecordKind.OPENED,
            cites={
                "access_request": request.digest,
                "certificate": scene.depositor.certificate,
                "manifest": scene.deposit.manifest.digest,
                "answer": Digest(NOTHING),
            },
            facts={"deposit": scene.deposit.deposit, "purpose": "read", "index": str(index)},
        )
    found(verify(world), Code.OPENED_DIFFERS)


def test_authorised_and_never_opened(scene: Scene) -> None:
    """An authorisation that the broker never used is no fault; the table says so."""
    authorise(scene)
    report = verify(scene.world)
    assert report.verdict is Verdict.OK
    assert [row.opened for table in report.sittings for row in table.releases] == [False]


def test_end_of_the_log_hidden(scene: Scene) -> None:
    """A log that ends before a release that the broker opened was cut."""
    world = scene.world
    early = collect(world)
    world.release(scene.member, scene.sitting, scene.deposit)
    early[RECORD_PATH], early[RECORD_CHECKPOINT_PATH] = world.broker.record()
    found(verify(world, MemoryBundle(sign(world, early))), Code.LOG_TRUNCATED)


def test_opened_after_the_export(scene: Scene) -> None:
    """What was opened after the bundle's checkpoint is left to the next bundle."""
    world = scene.world
    early = collect(world)
    world.advance(minutes=1)
    world.release(scene.member, scene.sitting, scene.deposit)
    early[RECORD_PATH], early[RECORD_CHECKPOINT_PATH] = world.broker.record()
    assert verify(world, MemoryBundle(sign(world, early))).verdict is Verdict.OK


def test_end_of_the_record_hidden(scene: Scene) -> None:
    """An older record, rightly signed, betrays itself by the download that it does not explain."""
    world = scene.world
    older = world.broker.record()
    request, _answer = world.release(scene.member, scene.sitting, scene.deposit)
    read(scene, request.digest)

    def swap(files: Files) -> None:
        files[RECORD_PATH], files[RECORD_CHECKPOINT_PATH] = older

    found(verify(world, export(world, swap)), Code.RECORD_TRUNCATED)


def test_record_with_a_line_removed(scene: Scene) -> None:
    """The record's signature covers every line."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)

    def cut(files: Files) -> None:
        lines = files[RECORD_PATH].splitlines(keepends=True)
        files[RECORD_PATH] = b"".join(lines[:-1])

    found(verify(world, export(world, cut)), Code.RECORD_BROKEN)


def test_record_left_out(scene: Scene) -> None:
    """A bundle without the broker's record proves only half."""
    found(
        verify(scene.world, export(scene.world, lambda f: f.pop(RECORD_PATH))), Code.RECORD_MISSING
    )


def test_key_that_the_log_does_not_know(scene: Scene) -> None:
    """A release key made and never logged is named."""
    world = scene.world
    world.broker.make_release_key(world.new_id(), world.sittings[scene.sitting].digest)
    found(verify(world), Code.KEY_NOT_LOGGED)


def test_destruction_that_the_log_does_not_know(scene: Scene) -> None:
    """A destruction that the server kept to itself is named."""
    world = scene.world
    world.broker.destroy(world.close(scene.sitting))
    found(verify(world), Code.DESTRUCTION_NOT_LOGGED)
