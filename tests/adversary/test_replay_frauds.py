"""A hostile server, or a careless one, writes a history; the auditor's replay names what is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.events import EventType
from crypto.digests import Digest, sha256
from crypto.statements import parse
from crypto.statements.custody import (
    Attestation,
    BundleIndex,
    Cause,
    Destruction,
    Emergency,
    IndexRange,
    Purge,
    Retention,
)
from crypto.statements.exchange import Complaint, Fault
from crypto.statements.registry import Certificate
from exchange.replay.bundle_directory import BundleDirectory
from exchange.replay.bundle_tar import BundleTar
from exchange.replay.codes import Code, Severity
from exchange.replay.findings import Finding
from exchange.replay.report import Report, Verdict
from exchange.replay.run import replay
from exchange.usecases import facts
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.bundle_layout import (
    INDEX_PATH,
    RECORD_CHECKPOINT_PATH,
    RECORD_PATH,
    agenda_path,
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
    write_directory,
    write_tar,
)

NOTHING = "0" * 64


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


def found(report: Report, code: Code) -> Finding:
    """The one finding of that code, which must decide the verdict."""
    matching = [each for each in report.findings if each.code is code]
    assert matching, [str(each) for each in report.findings]
    breaking = matching[0].severity is Severity.BREAKING
    assert report.verdict is (Verdict.BROKEN if breaking else Verdict.FINDINGS)
    assert str(matching[0])
    return matching[0]


def codes(report: Report) -> set[Code]:
    return {each.code for each in report.findings}


def authorise(scene: Scene, who: Any = None, deposit: Any = None, **changes: Any) -> int:
    """A release that a hostile server authorises, whatever the policy says."""
    world = scene.world
    request = world.request(who or scene.member, scene.sitting, deposit or scene.deposit)
    return world.authorise(request, deposit or scene.deposit, **changes)


def read(scene: Scene, request: Digest) -> None:
    cites = {
        "access_request": request,
        "certificate": scene.member.certificate,
        "manifest": scene.deposit.manifest.digest,
    }
    scene.world.log_event(EventType.PAYLOAD_READ, cites, {"deposit": scene.deposit.deposit})


# --- agendas ------------------------------------------------------------------------------------


def openings_file(scene: Scene, files: Files) -> str:
    """Where the bundle says what the agenda in force lists."""
    agenda = facts.latest_agenda(scene.world.index, scene.sitting)
    assert agenda is not None
    assert agenda_path(agenda.digest) in files
    return agenda_path(agenda.digest)


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


# --- an honest history --------------------------------------------------------------------------


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


# --- releases that the policy refuses -----------------------------------------------------------


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


# --- statements and their order -----------------------------------------------------------------


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


# --- the broker's record ------------------------------------------------------------------------


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


# --- the bundle itself --------------------------------------------------------------------------


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
