"""Who was seated, and who watched: a guest at the table, a log without an independent witness."""

from __future__ import annotations

from crypto.statements.registry import Capacity, SittingSeat
from exchange.replay.codes import Code, Severity
from exchange.replay.render import render_text
from exchange.replay.report import Verdict
from tests.support.broker_world import Scene
from tests.support.bundles import verify


def seat_the_guest(scene: Scene) -> None:
    """A version of the sitting in which the guest's seat, of the roster, is taken by the member."""
    guest = SittingSeat(
        seat="invite",
        label="invite",
        name=None,
        person=scene.member.person,
        capacity=Capacity.TITULAR,
        certificates=(scene.member.certificate,),
    )
    scene.world.publish_sitting(of=scene.sitting, seats=(guest,))


def test_a_guest_seated(scene: Scene) -> None:
    """A registrar who seats a guest is named, whoever accepted the sitting."""
    seat_the_guest(scene)
    report = verify(scene.world)
    (finding,) = [each for each in report.findings if each.code is Code.SITTING_RULE]
    assert "R133-6" in str(finding)
    assert report.verdict is Verdict.FINDINGS


def test_a_release_to_a_guest(scene: Scene) -> None:
    """What a guest was given is named, with the rule."""
    seat_the_guest(scene)
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.authorise(request, scene.deposit)
    reasons = {
        each.params["reason"]
        for each in verify(world).findings
        if each.code is Code.RELEASE_UNLAWFUL
    }
    assert reasons == {"guest-seat"}


def test_no_independent_witness_is_said(scene: Scene) -> None:
    """Where the broker alone cosigned, the report says so in words; it is no fault of the log."""
    report = verify(scene.world)
    (finding,) = [each for each in report.findings if each.code is Code.NO_INDEPENDENT_WITNESS]
    assert finding.severity is Severity.INFO
    assert report.verdict is Verdict.OK
    assert "Aucun témoin indépendant n'a cosigné ce journal" in render_text(report)
