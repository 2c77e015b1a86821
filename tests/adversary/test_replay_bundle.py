"""A bundle that was edited, cut short or erased: the auditor's replay says what is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import parse
from crypto.statements.custody import (
    Attestation,
    BundleIndex,
    IndexRange,
    Purge,
    Retention,
)
from exchange.replay.codes import Code
from exchange.replay.report import Verdict
from exchange.replay.run import replay
from exchange.usecases.bundle_layout import (
    INDEX_PATH,
    disclosure_path,
    statement_path,
)
from tests.support.broker_world import Scene, World, open_scene
from tests.support.bundles import (
    Files,
    MemoryBundle,
    collect,
    export,
    sign,
    verify,
)
from tests.support.replay_frauds import NOTHING, authorise, codes, found, openings_file


def test_edited_disclosure(scene: Scene) -> None:
    """Details that are not those committed to break the evidence, though an auditor signed them."""
    index = authorise(scene)

    def edit(files: Files) -> None:
        files[disclosure_path(index)] = files[disclosure_path(index - 1)]

    finding = found(verify(scene.world, export(scene.world, edit)), Code.LOG)
    assert "disclosure.false" in finding.params["where"]


def test_missing_disclosure(scene: Scene) -> None:
    """A disclosure that is missing without rule is a finding, with its place."""
    index = authorise(scene)
    bundle = export(scene.world, lambda files: files.pop(disclosure_path(index)))
    assert found(verify(scene.world, bundle), Code.DISCLOSURE_MISSING).index == index


def erase(scene: Scene, first: int, last: int, *, attested: bool = True) -> None:
    world = scene.world
    ranges = (IndexRange(first=first, last=last),)
    if attested:
        checkpoint = world.log.integrate().decode()
        world.post(
            world.by(
                world.people["irene"],
                Attestation,
                ranges=ranges,
                checkpoint=checkpoint,
                verdict="conforme",
            )
        )
    world.post(world.by_registrar(Retention, ranges=ranges, rule="12 mois"))
    for index in range(first, last + 1):
        world.store.erase(index)


def test_erasure_by_rule(scene: Scene) -> None:
    """Details erased by a signed and attested rule are no finding; the report says what is lost."""
    index = scene.world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    erase(scene, index, index)
    report = verify(scene.world)
    assert report.verdict is Verdict.OK, [str(each) for each in report.findings]
    assert report.erased == 1


def test_erasure_of_what_an_agenda_listed(scene: Scene) -> None:
    """Once the events of its deposits are erased by rule, an agenda need not say what it listed."""
    world = scene.world
    places = [world.attested[each.manifest.digest] for each in (scene.deposit, scene.other)]
    for place in places:
        erase(scene, place, place)

    def forget(files: Files) -> None:
        del files[openings_file(scene, files)]

    report = verify(world, export(world, forget))
    assert Code.AGENDA_UNOPENED not in codes(report)
    assert report.verdict is Verdict.OK, [str(each) for each in report.findings]


def test_erasure_without_attestation(scene: Scene) -> None:
    """Details erased before an auditor attested them are named."""
    index = scene.world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    erase(scene, index, index, attested=False)
    found(verify(scene.world), Code.DISCLOSURE_ERASED_EARLY)


def test_erasure_beyond_the_rule(scene: Scene) -> None:
    """A rule covers the entries that it lists and no neighbour."""
    world = scene.world
    index = world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    hidden = authorise(scene)
    erase(scene, index, index)
    world.store.erase(hidden)
    finding = found(verify(world), Code.DISCLOSURE_MISSING)
    assert (finding.params["first"], finding.params["last"]) == (str(hidden), str(hidden))


def test_rule_does_not_cover_what_came_after(scene: Scene) -> None:
    """A retention statement cannot erase events logged after itself."""
    world = scene.world
    size = len(world.store.rows.tickets)
    erase(scene, size + 5, size + 5)
    for _ in range(8):
        index = world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
        if index == size + 5:
            world.store.erase(index)
    found(verify(world), Code.DISCLOSURE_MISSING)


def test_missing_statement(scene: Scene) -> None:
    """A cited statement that is not in the bundle is named."""
    path = statement_path(scene.member.certificate)
    bundle = export(scene.world, lambda files: files.pop(path))
    found(verify(scene.world, bundle), Code.STATEMENT_MISSING)


def test_statement_that_nothing_records(scene: Scene) -> None:
    """A statement that the log never recorded has no place in the bundle."""
    world = scene.world
    hidden = world.by_registrar(
        Purge, sitting=scene.sitting, deposits=(scene.deposit.deposit,), reason="x", visa=None
    )
    path = statement_path(hidden.digest)
    bundle = export(world, lambda files: files.update({path: hidden.envelope}))
    found(verify(world, bundle), Code.STATEMENT_NOT_LOGGED)


def test_statement_under_another_name(scene: Scene) -> None:
    """A statement file holds the statement of its name."""
    path = statement_path(Digest(NOTHING))
    envelope = scene.deposit.manifest.envelope
    bundle = export(scene.world, lambda files: files.update({path: envelope}))
    found(verify(scene.world, bundle), Code.STATEMENT_ALTERED)


def test_file_added_after_the_export(scene: Scene) -> None:
    """Nothing can be added to what the auditor signed."""
    bundle = export(scene.world)
    bundle.files["log/readme"] = b"x"
    assert found(verify(scene.world, bundle), Code.FILE_EXTRA).params["path"] == "log/readme"


def test_file_removed_after_the_export(scene: Scene) -> None:
    """Nothing can be removed from what the auditor signed."""
    bundle = export(scene.world)
    del bundle.files[statement_path(scene.member.certificate)]
    found(verify(scene.world, bundle), Code.FILE_MISSING)


def test_index_by_someone_else(scene: Scene) -> None:
    """Only a certified auditor signs an export."""
    world = scene.world
    bundle = MemoryBundle(sign(world, collect(world), by=scene.depositor))
    found(verify(world, bundle), Code.INDEX_REFUSED)


def test_index_of_another_checkpoint(scene: Scene) -> None:
    """An index signed over one checkpoint does not vouch for another."""
    world = scene.world
    files = collect(world)
    signed = sign(world, files)
    index = world.by(
        world.people["irene"],
        BundleIndex,
        checkpoint=files["log/checkpoint"].decode().replace("log\n", "log\n1", 1),
        files=parse(BundleIndex, signed[INDEX_PATH]).statement.files,
    )
    bundle = MemoryBundle({**signed, INDEX_PATH: index.envelope})
    found(verify(world, bundle), Code.INDEX_OTHER_LOG)


def test_index_left_out(scene: Scene) -> None:
    """Without index nothing says that the bundle is whole."""
    found(verify(scene.world, MemoryBundle(collect(scene.world))), Code.INDEX_MISSING)


def test_another_commission(scene: Scene, tmp_path: Path) -> None:
    """Under another root the whole bundle is worth nothing."""
    stranger = World(tmp_path / "other")
    report = replay(export(scene.world), stranger.trust, scene.world.now)
    found(report, Code.TRUST)


def test_expired_policy(scene: Scene) -> None:
    """An expired trust policy is said."""
    world = scene.world
    found(verify(world, export(world), world.now + timedelta(days=400)), Code.POLICY_EXPIRED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, MemoryBundle]:
    scene = open_scene(tmp_path_factory.mktemp("whole") / "broker")
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    return scene, export(scene.world)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_bit_changes_unseen(whole: tuple[Scene, MemoryBundle], data: st.DataObject) -> None:
    """Whatever bit of whatever file of a bundle is flipped, the verdict says that it is broken."""
    scene, bundle = whole
    path = data.draw(st.sampled_from(bundle.paths()))
    content = bytearray(bundle.files[path])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    altered = MemoryBundle({**bundle.files, path: bytes(content)})
    assert verify(scene.world, altered).verdict is Verdict.BROKEN
