"""A hostile server asks in the name of somebody who may not read, not yet or no longer."""

from __future__ import annotations

import pytest

from crypto.statements.exchange import Kind, Purpose
from exchange.broker.keystore import KeyStore
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import Scene
from tests.support.openings import open_one
from tests.support.release_attempts import attempt, refused


def test_revoked(scene: Scene) -> None:
    """After a revocation the broker opens nothing for that certificate, authorised or not."""
    shown = attempt(scene)
    scene.world.revoke(scene.member)
    assert refused(scene, shown) == "bad-signature"


def test_revocation_shown_to_the_broker_only_with_the_request(scene: Scene) -> None:
    """A revocation in the log but not yet acknowledged counts as soon as it is shown."""
    world = scene.world
    revocation = world.revoke(scene.member, acknowledge=False)
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    shown = world.shown(request, scene.deposit, index)
    statements = (*shown.statements, world.attest(revocation))
    shown = world.shown(request, scene.deposit, index, statements=statements)
    assert refused(scene, shown) == "bad-signature"


def test_recused(scene: Scene) -> None:
    """A recusal ends access at once."""
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    assert refused(scene, attempt(scene)) == "recused"


def test_recusal_after_the_authorisation(scene: Scene) -> None:
    """A recusal between the event and the opening still closes the envelope."""
    shown = attempt(scene)
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    assert refused(scene, shown) == "recused"


def test_structurally_recused(scene: Scene) -> None:
    """The depositing association's seat never reads its own dossiers."""
    world = scene.world
    odile = world.people["odile"]
    world.undertake(odile)
    world.declare(odile, scene.sitting, scene.deposit)
    world.grant(scene.depositor, scene.deposit, odile)
    assert refused(scene, attempt(scene, odile)) == "structurally-recused"


def test_not_seated(scene: Scene) -> None:
    """A member of the commission who does not sit at this sitting gets nothing."""
    world = scene.world
    martin = world.people["martin"]
    world.undertake(martin)
    world.declare(martin, scene.sitting, scene.deposit)
    world.grant(scene.depositor, scene.deposit, martin)
    assert refused(scene, attempt(scene, martin)) == "not-seated"


def test_before_the_window(scene: Scene) -> None:
    """By the broker's own clock the sitting is not open yet, whatever the server logged."""
    scene.world.advance(days=-2)
    assert refused(scene, attempt(scene)) == "before-opening"


def test_after_the_window(scene: Scene) -> None:
    """An authorisation from within the window opens nothing once it has ended."""
    shown = attempt(scene)
    scene.world.advance(days=6)
    assert refused(scene, shown) == "sitting-closed"


def test_after_closing(scene: Scene) -> None:
    """A closing ends the sitting at once, before its keys are destroyed."""
    shown = attempt(scene)
    scene.world.close(scene.sitting)
    assert refused(scene, shown) == "sitting-closed"


def test_after_withdrawal(scene: Scene) -> None:
    """A withdrawn dossier opens for nobody."""
    shown = attempt(scene)
    scene.world.withdraw(scene.depositor, scene.deposit)
    assert refused(scene, shown) == "withdrawn"


def test_after_destruction(scene: Scene) -> None:
    """A destroyed key opens nothing, though the withdrawal were not known."""
    shown = attempt(scene)
    withdrawal = scene.world.withdraw(scene.depositor, scene.deposit)
    scene.world.broker.destroy(withdrawal)
    assert refused(scene, shown) == "withdrawn"
    assert scene.deposit.deposit not in KeyStore(scene.world.directory).live_deposits()


def test_older_sitting_version(scene: Scene) -> None:
    """Once the broker knows the version in which the member no longer sits, the older one is past."""
    world = scene.world
    shown = attempt(scene)
    world.publish_sitting("odile", of=scene.sitting)
    assert refused(scene, shown) == "stale"


def test_older_sitting_version_left_out(scene: Scene) -> None:
    """Leaving the outdated statement out of what is shown changes nothing."""
    world = scene.world
    shown = attempt(scene)
    world.publish_sitting("odile", of=scene.sitting)
    hidden = OpenRequest(shown.access_request, (), shown.release, shown.deposit, shown.envelope)
    assert refused(scene, hidden) == "not-seated"


def test_conflict_card_without_declaration(scene: Scene) -> None:
    """The broker opens a card to a member who declared nothing yet, and not to the recused."""
    world = scene.world
    made = world.deposit(scene.depositor, scene.sitting, scene.member)
    card = world.deposit(
        scene.depositor,
        scene.sitting,
        scene.member,
        dossier=made.dossier,
        complement_of=made.manifest.digest,
        kind=Kind.CONFLICT_CARD,
    )
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, made, card)
    assert open_one(world.broker, attempt(scene, deposit=card))
    with pytest.raises(BrokerRefusalError) as undeclared:
        open_one(world.broker, attempt(scene, deposit=made))
    assert undeclared.value.params["reason"] == "declaration-missing"
    world.recuse(scene.member, scene.sitting, made)
    with pytest.raises(BrokerRefusalError) as recused:
        open_one(world.broker, attempt(scene, deposit=card))
    assert recused.value.params["reason"] == "recused"


def test_without_declaration(scene: Scene) -> None:
    """No declaration of no conflict, no dossier."""
    world = scene.world
    late = world.deposit(scene.depositor, scene.sitting, scene.member)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, late)
    assert refused(scene, attempt(scene, deposit=late)) == "declaration-missing"


def test_member_asks_as_depositor(scene: Scene) -> None:
    """A reader cannot take the envelope meant for late grants."""
    shown = attempt(scene, purpose=Purpose.GRANT)
    assert refused(scene, shown) == "role-missing"


def test_grant_of_another_association(scene: Scene) -> None:
    """Another association's depositor is told that no such deposit exists."""
    paul = scene.world.people["paul"]
    assert refused(scene, attempt(scene, paul, purpose=Purpose.GRANT)) == "deposit-unknown"


def test_expired_trust_policy(scene: Scene) -> None:
    """Under an expired trust policy nothing opens."""
    shown = attempt(scene)
    scene.world.advance(days=400)
    assert refused(scene, shown) == "trust-policy-expired"
