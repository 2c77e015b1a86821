"""A hostile server against a depositor's client: for whom it seals is never the server's choice."""

from __future__ import annotations

from typing import Any

import pytest

from audit.events import EventType
from crypto.fingerprints import spoken_fingerprint
from crypto.statements.registry import Capacity, SittingSeat
from exchange.client.deposit import make_deposit, plan
from exchange.client.deposit_state import Pending
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.known_devices import new_devices
from tests.support.client_world import Scene
from tests.support.deposit_attempts import late_member, readers_of, refused, wanted


def test_sealed_for_who_sits_and_is_not_recused(scene: Scene) -> None:
    """Readers are the sitting's members but the depositing association's own."""
    desk = scene.desk("nadia")
    done = make_deposit(desk, plan(desk, wanted(scene)))
    assert readers_of(scene) == {"claire", "martin"}
    receipt = desk.profile.read("receipts", f"deposit-{done.deposit}.receipt")
    assert receipt is not None
    desk.view.check_receipt(receipt, EventType.DEPOSIT_COMMITTED, {"manifest": done.manifest})
    assert Pending.all(desk.profile) == ()


def test_hidden_revocation(scene: Scene) -> None:
    """A server that hides a revocation cannot have a revoked key sealed for."""
    scene.server.world.revoke(scene.person("martin"))

    def lie(answer: Any) -> Any:
        kept = [each for each in answer["statements"] if "revocation" not in kind_of(each)]
        return {**answer, "statements": kept}

    scene.server.lies["sitting"] = scene.server.lies["statements"] = lie
    refused(scene, NotTrustworthyError)


def test_withheld_certificate(scene: Scene) -> None:
    """A server that leaves a sitting member's certificate out does not choose who cannot read."""
    world = scene.server.world
    hidden = world.envelopes[scene.person("martin").certificate].decode()

    def lie(answer: Any) -> Any:
        kept = [each for each in answer["statements"] if each["envelope"] != hidden]
        return {**answer, "statements": kept}

    scene.server.lies["sitting"] = scene.server.lies["statements"] = lie
    refused(scene, NotTrustworthyError)


def kind_of(item: Any) -> str:
    import json

    return str(json.loads(item["envelope"])["payloadType"])


def test_revoked_member_gets_no_envelope(scene: Scene) -> None:
    """A device that was revoked after the sitting was published is left out."""
    scene.server.world.revoke(scene.person("martin"))
    desk = scene.desk("nadia")
    make_deposit(desk, plan(desk, wanted(scene)))
    assert readers_of(scene) == {"claire"}


def test_certificate_of_another_person_on_a_seat(scene: Scene) -> None:
    """A seat that lists a device of somebody else gives that device nothing."""
    world = scene.server.world
    claire, martin = scene.person("claire"), scene.person("martin")
    seats = (
        SittingSeat(
            seat=claire.seat,
            label=claire.seat,
            name=None,
            person=claire.person,
            capacity=Capacity.TITULAR,
            certificates=(claire.certificate, martin.certificate),
        ),
    )
    scene.sitting = world.publish_sitting(of=scene.sitting, seats=seats)
    desk = scene.desk("nadia")
    make_deposit(desk, plan(desk, wanted(scene)))
    assert readers_of(scene) == {"claire"}


def test_guest_seat_gets_no_envelope(scene: Scene) -> None:
    """A guest's seat gets none even where a sitting lists it."""
    world = scene.server.world
    martin, claire = scene.person("martin"), scene.person("claire")
    seats = tuple(
        SittingSeat(
            seat=seat,
            label=seat,
            name=None,
            person=who.person,
            capacity=Capacity.TITULAR,
            certificates=(who.certificate,),
        )
        for seat, who in (("invite", martin), ("cdom", claire))
    )
    scene.sitting = world.publish_sitting(of=scene.sitting, seats=seats)
    desk = scene.desk("nadia")
    make_deposit(desk, plan(desk, wanted(scene)))
    assert readers_of(scene) == {"claire"}


def test_audience(scene: Scene) -> None:
    """A deposit for one seat is sealed for that seat alone; an unknown seat is refused."""
    desk = scene.desk("nadia")
    with pytest.raises(NotPossibleError):
        plan(desk, wanted(scene, audience=("inconnu",)))
    make_deposit(desk, plan(desk, wanted(scene, audience=("cdom",))))
    assert readers_of(scene) == {"claire"}


def test_older_sitting_version(scene: Scene) -> None:
    """A server that shows an outdated sitting is caught by the broker's status."""
    world = scene.server.world
    newest = world.sitting("claire", of=scene.sitting)
    world.post(newest)

    def lie(answer: Any) -> Any:
        hidden = newest.envelope.decode()
        return {
            **answer,
            "statements": [e for e in answer["statements"] if e["envelope"] != hidden],
        }

    scene.server.lies["sitting"] = lie
    refused(scene, NotTrustworthyError)


def test_closed_sitting(scene: Scene) -> None:
    """Nothing is sealed for a sitting that is over."""
    scene.server.world.close(scene.sitting)
    refused(scene, NotPossibleError)


def test_a_member_does_not_deposit(scene: Scene) -> None:
    """A profile without the depositor's role is told so."""
    with pytest.raises(NotPossibleError):
        plan(scene.desk("claire"), wanted(scene))


def test_new_key_is_named(scene: Scene) -> None:
    """A key certified since the last deposit is shown with its fingerprint; known ones are not."""
    desk = scene.desk("nadia")
    first = plan(desk, wanted(scene))
    assert new_devices(desk.profile, desk.view.ledger, first.addressees) == ()
    make_deposit(desk, first)
    late_member(scene)
    desk = scene.desk("nadia")
    new = new_devices(desk.profile, desk.view.ledger, plan(desk, wanted(scene)).addressees)
    assert [each.name for each, _spoken in new] == ["Hugo Tardif"]
    hugo = scene.person("hugo").identity
    assert new[0][1] == spoken_fingerprint(hugo.recipient, hugo.verify_key)
