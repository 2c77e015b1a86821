"""Releases that the policy refuses, authorised all the same: the auditor's replay names each."""

from __future__ import annotations

from datetime import timedelta

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements.registry import Certificate
from exchange.replay.codes import Code
from exchange.replay.report import Verdict
from tests.support.broker_world import Scene
from tests.support.bundles import (
    verify,
)
from tests.support.replay_frauds import NOTHING, authorise, codes, found, read


def unlawful(scene: Scene, reason: str) -> None:
    finding = found(verify(scene.world), Code.RELEASE_UNLAWFUL)
    assert finding.params["reason"] == reason
    assert finding.params["deposit"] == scene.deposit.deposit


def test_release_to_someone_not_seated(scene: Scene) -> None:
    """A release to a member who does not sit is named, with the person and the rule."""
    world, martin = scene.world, scene.world.people["martin"]
    world.undertake(martin)
    world.declare(martin, scene.sitting, scene.deposit)
    world.grant(scene.depositor, scene.deposit, martin)
    authorise(scene, martin)
    unlawful(scene, "not-seated")


def test_release_to_the_recused(scene: Scene) -> None:
    """A release after a recusal is named."""
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    authorise(scene)
    unlawful(scene, "recused")


def test_release_before_the_recusal_stays_lawful(scene: Scene) -> None:
    """What comes later in the log does not reach back."""
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    assert verify(scene.world).verdict is Verdict.OK


def test_release_without_declaration(scene: Scene) -> None:
    """A release without declaration of no conflict is named."""
    world = scene.world
    late = world.deposit(scene.depositor, scene.sitting, scene.member)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, late)
    authorise(scene, deposit=late)
    finding = found(verify(world), Code.RELEASE_UNLAWFUL)
    assert finding.params["reason"] == "declaration-missing"


def test_declaration_after_the_release(scene: Scene) -> None:
    """A declaration logged after the release does not excuse it."""
    world = scene.world
    late = world.deposit(scene.depositor, scene.sitting, scene.member)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, late)
    authorise(scene, deposit=late)
    world.declare(scene.member, scene.sitting, late)
    finding = found(verify(world), Code.RELEASE_UNLAWFUL)
    assert finding.params["reason"] == "declaration-missing"


def test_release_after_closing(scene: Scene) -> None:
    """A release after the closing is named."""
    scene.world.close(scene.sitting)
    authorise(scene)
    unlawful(scene, "sitting-closed")


def test_release_after_closing_backdated(scene: Scene) -> None:
    """Dating it before the closing does not help: the log's order counts, and the date is named."""
    world = scene.world
    world.advance(hours=1)
    world.close(scene.sitting)
    authorise(scene, at=world.now - timedelta(minutes=30))
    report = verify(world)
    assert {Code.RELEASE_UNLAWFUL, Code.EVENT_BACKWARDS} <= codes(report)


def test_release_after_the_window_backdated(scene: Scene) -> None:
    """A release dated within the window, and logged after events of a later date, is named."""
    world = scene.world
    within = world.now
    world.advance(days=6)
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    authorise(scene, at=within)
    unlawful(scene, "sitting-closed")


def test_release_after_revocation(scene: Scene) -> None:
    """A release to a revoked device is named, and so is the request that it could not sign."""
    scene.world.revoke(scene.member)
    authorise(scene)
    unlawful(scene, "certificate-revoked")
    found(verify(scene.world), Code.STATEMENT_UNAUTHORISED)


def test_release_outside_the_window(scene: Scene) -> None:
    """A release before the sitting opens is named."""
    scene.world.advance(days=-2)
    authorise(scene)
    finding = found(verify(scene.world), Code.RELEASE_UNLAWFUL)
    assert finding.params["reason"] == "before-opening"


def test_release_to_the_depositing_association(scene: Scene) -> None:
    """A release to the seat of the association that deposited is named."""
    world, odile = scene.world, scene.world.people["odile"]
    world.undertake(odile)
    world.declare(odile, scene.sitting, scene.deposit)
    world.grant(scene.depositor, scene.deposit, odile)
    authorise(scene, odile)
    unlawful(scene, "structurally-recused")


def test_release_to_an_invented_member(scene: Scene) -> None:
    """A certificate that no registrar signed counts for nothing, nor does what it takes."""
    world = scene.world
    claire = scene.member
    fake = world.by(
        scene.depositor,
        Certificate,
        enrolment=Digest(NOTHING),
        person=claire.person,
        name=claire.name,
        organisation=claire.organisation,
        roles=claire.roles,
        recipient=scene.depositor.identity.recipient,
        signing_key=scene.depositor.identity.verify_key,
        not_before=world.now,
        not_after=world.now + timedelta(days=30),
    )
    world.post(fake, acknowledge=False)
    finding = found(verify(world), Code.STATEMENT_UNAUTHORISED)
    assert finding.params["type"] == "certificate"


def test_release_without_request(scene: Scene) -> None:
    """A release that cites no signed request is named."""
    facts = {"deposit": scene.deposit.deposit, "purpose": "read"}
    cites = {"certificate": scene.member.certificate}
    scene.world.log_event(EventType.RELEASE_AUTHORISED, cites, facts)
    found(verify(scene.world), Code.RELEASE_WITHOUT_REQUEST)


def test_release_of_what_was_not_asked(scene: Scene) -> None:
    """A request for one deposit does not cover another."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.other)
    world.authorise(request, scene.deposit)
    found(verify(world), Code.RELEASE_DIFFERS)


def test_release_in_another_persons_name(scene: Scene) -> None:
    """The certificate of the event must be the one that signed the request."""
    authorise(scene, certificate=scene.world.people["odile"].certificate)
    found(verify(scene.world), Code.RELEASE_DIFFERS)


def test_release_that_cites_an_older_agenda(scene: Scene) -> None:
    """A release must rest on the versions in force."""
    world = scene.world
    old = world.log_event(EventType.ROSTER_READ, {}, {})
    assert old
    agenda = next(each for each in world.envelopes if each)
    authorise(scene, agenda=agenda)
    finding = found(verify(world), Code.RELEASE_CITES)
    assert finding.params["roles"] == "agenda"


def test_same_request_authorised_twice(scene: Scene) -> None:
    """One request authorises one release of one deposit."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.authorise(request, scene.deposit)
    world.authorise(request, scene.deposit)
    found(verify(world), Code.RELEASE_TWICE)


def test_payload_without_release(scene: Scene) -> None:
    """A download without an authorised release is named."""
    request = scene.world.request(scene.member, scene.sitting, scene.deposit)
    scene.world.envelopes[request.digest] = request.signed.envelope
    read(scene, request.digest)
    found(verify(scene.world), Code.READ_WITHOUT_RELEASE)


def test_payload_read_twice(scene: Scene) -> None:
    """Two downloads of one release are named."""
    request, _answer = scene.world.release(scene.member, scene.sitting, scene.deposit)
    read(scene, request.digest)
    read(scene, request.digest)
    found(verify(scene.world), Code.READ_TWICE)
