"""An honest history, in every form of the bundle, has nothing to find."""

from __future__ import annotations

from pathlib import Path

from audit.events import EventType
from exchange.replay.bundle_directory import BundleDirectory
from exchange.replay.bundle_tar import BundleTar
from exchange.replay.codes import Code
from exchange.replay.report import Verdict
from exchange.replay.run import replay
from tests.support.broker_world import Scene
from tests.support.bundles import (
    export,
    verify,
    write_directory,
    write_tar,
)
from tests.support.replay_frauds import codes, read


def test_honest_history(scene: Scene, tmp_path: Path) -> None:
    """An honest history gets a good verdict, from memory, directory and tar alike."""
    world = scene.world
    request, _answer = world.release(scene.member, scene.sitting, scene.deposit)
    read(scene, request.digest)
    closing = world.close(scene.sitting)
    world.destroy(closing)
    bundle = export(world)
    report = verify(world, bundle)
    assert report.verdict is Verdict.OK, [str(each) for each in report.findings]
    assert codes(report) == {Code.NO_INDEPENDENT_WITNESS}
    (table,) = report.sittings
    (row,) = table.releases
    assert (row.person, row.opened, row.read, row.refusal) == ("Claire Vasseur", True, True, None)
    write_directory(bundle, tmp_path / "bundle")
    write_tar(bundle, tmp_path / "bundle.tar")
    assert replay(BundleDirectory(tmp_path / "bundle"), world.trust, world.now) == verify(
        world, bundle, world.now
    )
    with BundleTar(tmp_path / "bundle.tar") as tar:
        assert replay(tar, world.trust, world.now) == verify(world, bundle, world.now)


def test_refusals_are_counted(scene: Scene) -> None:
    """Refused releases are no findings; they are counted by reason."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.envelopes[request.digest] = request.signed.envelope
    cites = {"access_request": request.digest, "certificate": scene.member.certificate}
    facts = {"deposit": scene.deposit.deposit, "purpose": "read", "reason": "recused"}
    world.log_event(EventType.RELEASE_REFUSED, cites, facts)
    report = verify(world)
    assert report.verdict is Verdict.OK
    assert report.refusals == {"recused": 1}
