"""Statements out of order, out of time or by the wrong hand: the auditor's replay names each."""

from __future__ import annotations

from datetime import timedelta

from audit.events import EventType
from crypto.digests import sha256
from crypto.statements.custody import (
    Cause,
    Destruction,
    Emergency,
    Purge,
)
from crypto.statements.exchange import Complaint, Fault
from exchange.replay.codes import Code
from exchange.replay.report import Verdict
from tests.support.broker_world import Scene
from tests.support.bundles import (
    verify,
)
from tests.support.replay_frauds import codes, found


def test_two_versions_with_one_number(scene: Scene) -> None:
    """Two second versions of one sitting are two histories."""
    world = scene.world
    first = world.sitting("odile", of=scene.sitting)
    second = world.sitting("claire", "martin", of=scene.sitting)
    world.post(first, acknowledge=False)
    world.post(second, acknowledge=False)
    finding = found(verify(world), Code.CHAIN_FORKED)
    assert finding.params["type"] == "sitting"


def test_swapped_versions(scene: Scene) -> None:
    """Version 3 logged before version 2 is a broken chain, and then a fork."""
    world = scene.world
    second = world.sitting("claire", "odile", of=scene.sitting)
    world.sittings[scene.sitting] = second
    third = world.sitting("claire", of=scene.sitting)
    world.post(third, acknowledge=False)
    world.post(second, acknowledge=False)
    found(verify(world), Code.CHAIN_BROKEN)


def test_commit_of_what_never_began(scene: Scene) -> None:
    """A deposit without release key is out of order."""
    world = scene.world
    manifest = scene.deposit.manifest.statement.model_copy(
        update={"deposit": world.new_id(), "id": world.new_id()}
    )
    signed = scene.depositor.identity.sign(manifest)
    cites = {
        "manifest": signed.digest,
        "certificate": scene.depositor.certificate,
        "release_key": scene.deposit.release_key.digest,
        "sitting": world.sittings[scene.sitting].digest,
    }
    facts = {"deposit": manifest.deposit}
    world.post(signed, EventType.DEPOSIT_COMMITTED, cites=cites, facts_=facts, acknowledge=False)
    found(verify(world), Code.DEPOSIT_ORDER)


def test_second_key_by_the_same_broker(scene: Scene) -> None:
    """A broker makes one key a deposit: a second one, for whomever it may be, is named."""
    world, made = scene.world, scene.deposit.release_key
    second = world.resealed_by_the_broker(made.statement)
    cites = {"release_key": second.digest, "manifest": scene.deposit.manifest.digest}
    facts = {"deposit": scene.deposit.deposit}
    world.post(second, EventType.DEPOSIT_REKEYED, cites=cites, facts_=facts, acknowledge=False)
    assert "seconde clé" in str(found(verify(world), Code.DEPOSIT_ORDER).params["reason"])


def test_grant_sealed_to_another_key(scene: Scene) -> None:
    """Envelopes sealed to another deposit's key are named, though their author may add some."""
    world = scene.world
    key, scene.deposit.release_key = scene.deposit.release_key, scene.other.release_key
    world.grant(scene.depositor, scene.deposit, scene.member)
    scene.deposit.release_key = key
    assert "une autre clé" in str(found(verify(world), Code.DEPOSIT_ORDER).params["reason"])


def test_event_of_another_statement(scene: Scene) -> None:
    """An event that cites a statement of the wrong type records nothing."""
    cites = {"manifest": scene.member.certificate, "certificate": scene.depositor.certificate}
    scene.world.log_event(EventType.DEPOSIT_COMMITTED, cites, {"deposit": "x"})
    found(verify(scene.world), Code.EVENT_UNRECORDED)


def test_statement_recorded_twice(scene: Scene) -> None:
    """A statement is logged once."""
    world = scene.world
    world.log_event(EventType.STATEMENT_ACCEPTED, {"statement": scene.member.certificate}, {})
    found(verify(world), Code.STATEMENT_TWICE)


def test_keys_kept_after_closing(scene: Scene) -> None:
    """A closing that destroys no key is named, once there was time to."""
    world = scene.world
    world.close(scene.sitting)
    assert Code.KEYS_KEPT not in codes(verify(world))
    world.advance(hours=2)
    finding = found(verify(world), Code.KEYS_KEPT)
    assert finding.params["count"] == "2"


def test_keys_kept_after_withdrawal(scene: Scene) -> None:
    """A withdrawal that destroys no key is named."""
    world = scene.world
    world.withdraw(scene.depositor, scene.deposit)
    world.advance(hours=2)
    assert found(verify(world), Code.KEYS_KEPT).params["cause"] == "retrait"


def test_keys_kept_after_expiry(scene: Scene) -> None:
    """A sitting that nobody closed has its keys destroyed a day after its end, or that is named."""
    world = scene.world
    world.advance(days=7)
    assert found(verify(world), Code.KEYS_KEPT).params["cause"] == "expiration"


def test_destruction_without_reason(scene: Scene) -> None:
    """A destruction in the name of a closing that does not exist is named."""
    world = scene.world
    with world.broker._entered() as desk:
        fields = desk.new_fields()
        signed = desk.sign(
            Destruction.model_validate(
                {
                    **fields,
                    "release_keys": (scene.deposit.release_key.digest,),
                    "cause": Cause.CLOSING,
                    "because": scene.deposit.manifest.digest,
                }
            )
        )
    cites = {"destruction": signed.digest, "because": scene.deposit.manifest.digest}
    world.post(signed, EventType.KEY_DESTROYED, cites=cites, facts_={}, acknowledge=False)
    report = verify(world)
    found(report, Code.DESTRUCTION_UNFOUNDED)
    found(report, Code.DESTRUCTION_NOT_RECORDED)


def test_purge_of_a_live_deposit(scene: Scene) -> None:
    """Deleting what was neither withdrawn nor closed is named."""
    world = scene.world
    order = world.post(
        world.by_registrar(
            Purge, sitting=scene.sitting, deposits=(scene.deposit.deposit,), reason="fin", visa=None
        )
    )
    world.log_event(EventType.PURGE_DONE, {"purge": order}, {"deposits": "1"})
    assert found(verify(world), Code.PURGE_UNFOUNDED).params["deposit"] == scene.deposit.deposit


def test_purge_that_spares_what_is_live(scene: Scene) -> None:
    """An order that lists too much is no fault of a service that deletes only what it may."""
    world = scene.world
    withdrawal = world.withdraw(scene.depositor, scene.deposit)
    world.destroy(withdrawal)
    both = (scene.deposit.deposit, scene.other.deposit)
    order = world.post(
        world.by_registrar(Purge, sitting=scene.sitting, deposits=both, reason="fin", visa=None)
    )
    world.log_event(EventType.PURGE_DONE, {"purge": order}, {"deposits": "1"})
    assert verify(world).verdict is Verdict.OK
    world.log_event(EventType.PURGE_DONE, {"purge": order}, {"deposits": "2"})
    assert found(verify(world), Code.PURGE_UNFOUNDED).params["deposit"] == scene.other.deposit


def test_emergency_is_always_said(scene: Scene) -> None:
    """A lowered quorum is lawful, and never silent."""
    world = scene.world
    world.post(
        world.by_registrar(
            Emergency, quorum=0, expires_at=world.now + timedelta(days=1), reason="panne"
        ),
        acknowledge=False,
    )
    found(verify(world), Code.EMERGENCY)


def test_complaint_is_always_said(scene: Scene) -> None:
    """A reader's complaint of a depositor is told, and leaves the verdict on the log as it was."""
    world, entry = scene.world, scene.deposit.manifest.statement.envelopes[0]
    signed = world.by(
        scene.member,
        Complaint,
        manifest=scene.deposit.manifest.digest,
        header_sha256=entry.header_sha256,
        fault="altered",
        found=None,
    )
    world.post(signed)
    report = verify(world)
    assert report.verdict is Verdict.OK
    (said,) = [each for each in report.findings if each.code is Code.COMPLAINT]
    assert said.params == {"dossier": scene.deposit.manifest.statement.dossier, "fault": "altered"}
    assert scene.deposit.manifest.statement.dossier in str(said)


def test_complaint_of_a_header_that_nobody_sealed(scene: Scene) -> None:
    """An accusation without its ground, which the service let pass, is named as such."""
    world = scene.world
    header = sha256(scene.deposit.headers[scene.member.certificate])
    for ours, code in ((header, False), (sha256(b"nothing"), True)):
        complaint = world.by(
            scene.member, Complaint, manifest=scene.deposit.manifest.digest, header_sha256=ours,
            fault=Fault.ALTERED, found=None,
        )  # fmt: skip
        world.post(complaint, acknowledge=False)
        assert (Code.COMPLAINT_UNFOUNDED in codes(verify(world))) is code


def test_event_from_the_future(scene: Scene) -> None:
    """An event dated after the broker cosigned it is named."""
    world = scene.world
    world.log_event(EventType.ROSTER_READ, {}, {}, at=world.now + timedelta(hours=3))
    found(verify(world), Code.EVENT_FUTURE)
