"""A hostile server against a depositor's client: for whom it seals is never the server's choice."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError
from audit.events import EventType
from crypto.age.identities import recipient_of
from crypto.digests import sha256
from crypto.errors import CryptoError, ExplainedError, UntrustedError
from crypto.fingerprints import spoken_fingerprint
from crypto.keys import HybridIdentity, ServiceSigningSeed
from crypto.statements import parse, seal
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Kind, Manifest, Purpose
from crypto.statements.registry import Capacity, Role, SittingSeat
from exchange.client.deposit import Wanted, discard, make_deposit, plan, resume
from exchange.client.deposit_state import Pending
from exchange.client.errors import NotPossibleError, NotTrustworthyError, TransportError
from exchange.client.filekeys import forget_ended, local_file_key
from exchange.client.grant import grant
from exchange.client.known_devices import new_devices
from exchange.client.withdraw import withdraw
from exchange.usecases import facts
from tests.support.client_world import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.open_sitting("claire", "martin", "odile")
    folder = tmp_path / "papers" / "nadia"
    folder.mkdir(parents=True)
    (folder / "demande.txt").write_bytes(b"fiction")
    return made


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


def test_release_key_of_the_server(scene: Scene) -> None:
    """A release key that the server made itself would let it open every envelope: refused."""
    world = scene.server.world

    def lie(answer: Any) -> Any:
        real = parse(ReleaseKey, answer["release_key"]["envelope"].encode())
        own = real.statement.model_copy(
            update={"recipient": recipient_of(HybridIdentity.generate(os.urandom))}
        )
        forged = seal(own, [ServiceSigningSeed.generate(os.urandom)])
        cites = {"release_key": forged.digest, "certificate": scene.person("nadia").certificate}
        index = world.log_event(EventType.DEPOSIT_BEGUN, cites, {"deposit": own.deposit})
        item = {"envelope": forged.envelope.decode(), "receipt": world.receipt(index).decode()}
        return {**answer, "release_key": item}

    scene.server.lies["begin"] = lie
    refused(scene, CryptoError)


def test_release_key_of_another_deposit(scene: Scene) -> None:
    """A true release key of another deposit or sitting is refused."""
    scene.server.lies["begin"] = lambda answer: {**answer, "deposit": "a" * 26}
    refused(scene, NotTrustworthyError)


def test_release_key_that_was_not_logged(scene: Scene) -> None:
    """A release key under the receipt of another event is refused."""

    def lie(answer: Any) -> Any:
        key = {**answer["release_key"], "receipt": scene.server.world.receipt(4).decode()}
        return {**answer, "release_key": key}

    scene.server.lies["begin"] = lie
    refused(scene, NotTrustworthyError, AuditError)


def test_commit_receipt_of_another_manifest(scene: Scene) -> None:
    """Without a true receipt a deposit is not done: it stays to be resumed."""
    world = scene.server.world
    scene.server.lies["commit"] = lambda answer: {"receipt": world.receipt(4).decode()}
    desk = scene.desk("nadia")
    with pytest.raises((NotTrustworthyError, AuditError)):
        make_deposit(desk, plan(desk, wanted(scene)))
    assert len(Pending.all(desk.profile)) == 1
    scene.server.lies.clear()
    (done,) = resume(scene.desk("nadia"))
    assert done.manifest in world.attested


def test_interrupted_upload_resumes(scene: Scene) -> None:
    """A deposit cut off during its upload is finished by --resume, sealed once."""
    (scene.folder / "papers" / "nadia" / "scan.bin").write_bytes(os.urandom(200_000))
    scene.server.down.add("commit")
    desk = scene.desk("nadia")
    with pytest.raises(TransportError):
        make_deposit(desk, plan(desk, wanted(scene)))
    scene.server.down.clear()
    sent = len([r for r in scene.server.requests if r.method == "PUT"])
    (done,) = resume(scene.desk("nadia"))
    assert len([r for r in scene.server.requests if r.method == "PUT"]) == sent
    assert sha256(scene.server.uploads[done.deposit].payload) == (
        scene.server.world.index.find(Manifest)[0].statement.sha256
    )
    assert Pending.all(desk.profile) == ()


def test_resume_refuses_what_is_no_longer_right(scene: Scene) -> None:
    """What was sealed for somebody since revoked is not sent; it can be discarded."""
    scene.server.down.add("part")
    desk = scene.desk("nadia")
    with pytest.raises(TransportError):
        make_deposit(desk, plan(desk, wanted(scene)))
    scene.server.down.clear()
    scene.server.world.revoke(scene.person("martin"))
    with pytest.raises(NotPossibleError):
        resume(scene.desk("nadia"))
    assert discard(scene.desk("nadia")) == 1
    assert desk.profile.filekeys() == ()


def test_closed_sitting(scene: Scene) -> None:
    """Nothing is sealed for a sitting that is over."""
    scene.server.world.close(scene.sitting)
    refused(scene, NotPossibleError)


def test_a_member_does_not_deposit(scene: Scene) -> None:
    """A profile without the depositor's role is told so."""
    with pytest.raises(NotPossibleError):
        plan(scene.desk("claire"), wanted(scene))


def test_login_bound_to_the_origin(scene: Scene) -> None:
    """A challenge in another origin's name is not signed."""
    scene.server.lies["challenge"] = lambda answer: {**answer, "origin": "autre.example/log"}
    with pytest.raises(NotTrustworthyError):
        scene.desk("nadia")
    assert not [r for r in scene.server.requests if r.target.endswith("/login")]


def test_login_as_somebody_else(scene: Scene) -> None:
    """A login that the server files under another certificate is refused."""
    other = scene.person("paul").certificate
    scene.server.lies["login"] = lambda answer: {**answer, "certificate": other}
    with pytest.raises(NotTrustworthyError):
        scene.desk("nadia")


def test_first_login_learns_the_certificate(scene: Scene) -> None:
    """A device that does not know its certificate yet logs in by its key, and remembers it."""
    machine = scene.machine("nadia")
    machine.profile.change(certificate=None)
    from exchange.client.desk import log_in

    log_in(machine, scene.person("nadia").identity)
    assert machine.profile.settings().certificate == scene.person("nadia").certificate


def test_expired_policy(scene: Scene) -> None:
    """Under an expired trust policy nothing is sealed; a withdrawal remains possible."""
    done = scene.dossier("nadia")
    world = scene.server.world
    world.now += timedelta(days=366)
    with pytest.raises(UntrustedError):
        scene.desk("nadia")
    from exchange.client.desk import open_view

    view, _source = open_view(scene.machine("nadia"), lapsed_too=True)
    assert view.policy.policy.version == 1
    assert done.deposit


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


def test_late_grant(scene: Scene) -> None:
    """A member named after the deposit gets an envelope from the local file key, once."""
    scene.dossier("nadia")
    late_member(scene)
    done = grant(scene.desk("nadia"), scene.sitting, (), "nommé après le dépôt")
    assert [each.name for one in done for each in one.addressees] == ["Hugo Tardif"]
    assert grant(scene.desk("nadia"), scene.sitting, (), "encore") == ()


def test_grant_without_the_local_key(scene: Scene) -> None:
    """Without the local copy, the file key comes by a logged release to a depositor."""
    done = scene.dossier("nadia")
    late_member(scene)
    desk = scene.desk("nadia")
    desk.profile.forget_filekey(done.deposit)
    grant(desk, scene.sitting, (done.reference,), "clé locale perdue")
    manifest = facts.manifest_of(scene.server.world.index, done.deposit)
    assert manifest is not None
    assert local_file_key(desk, manifest.statement) is not None


def test_grant_of_a_spoilt_local_key(scene: Scene) -> None:
    """A local file key that is not the manifest's is noticed before anything is granted."""
    one = scene.dossier("nadia")
    two = scene.dossier("nadia")
    late_member(scene)
    keys = scene.folder / "people" / "nadia" / "filekeys"
    (keys / f"{one.deposit}.age").write_bytes((keys / f"{two.deposit}.age").read_bytes())
    with pytest.raises(CryptoError):
        grant(scene.desk("nadia"), scene.sitting, (one.reference,), "clé échangée")


def test_another_associations_dossier(scene: Scene) -> None:
    """A depositor grants nothing of another association."""
    done = scene.dossier("nadia")
    with pytest.raises(NotPossibleError):
        grant(scene.desk("paul"), scene.sitting, (done.reference,), "curiosité")


def test_withdrawal_forgets_the_local_key(scene: Scene) -> None:
    """After a withdrawal neither the broker nor this machine holds the key."""
    done = scene.dossier("nadia")
    desk = scene.desk("nadia")
    assert desk.profile.filekeys() == (done.deposit,)
    ended = withdraw(desk, done.reference, "à la demande")
    assert ended.destroyed == 1
    assert desk.profile.filekeys() == ()


def test_withdrawal_that_the_broker_does_not_know(scene: Scene) -> None:
    """A withdrawal is not done while the broker has not confirmed it."""
    done = scene.dossier("nadia")
    kept = scene.server.world.broker.status
    scene.server.world.broker.status = (  # type: ignore[method-assign]
        lambda nonce, sitting, includes: kept(nonce, sitting, [])
    )
    with pytest.raises(NotTrustworthyError):
        withdraw(scene.desk("nadia"), done.reference, "à la demande")


def test_local_keys_end_with_the_sitting(scene: Scene) -> None:
    """Local file keys of a closed sitting are deleted."""
    scene.dossier("nadia")
    scene.server.world.close(scene.sitting)
    desk = scene.desk("nadia")
    desk.load_sitting(scene.sitting)
    assert forget_ended(desk) == 1
    assert desk.profile.filekeys() == ()


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
