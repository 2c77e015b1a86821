"""A hostile server tries to make the broker open an envelope that it must not open."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.events import EventDetails, EventType
from crypto.age.decrypt import decrypt_with
from crypto.age.identities import recipient_of
from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.errors import CryptoError
from crypto.keys import HybridIdentity, MasterSeed
from crypto.statements.agenda import AgendaOpening
from crypto.statements.exchange import AccessRequest, Kind, Purpose
from exchange.broker.keystore import KeyStore
from exchange.usecases.broker_record import RecordEntry, RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import Scene, open_scene
from tests.support.memory_log import MemoryLogStore
from tests.support.separate_broker import SEPARATE, separate_scene

BOTH_KINDS = {
    "test_an_honest_release_opens",
    "test_retry_gets_the_same_answer_and_one_record",
    "test_no_event",
    "test_event_in_a_log_of_its_own",
    "test_event_in_a_fork_that_shares_the_past",
    "test_other_deposits_envelope",
    "test_revoked",
    "test_revocation_shown_to_the_broker_only_with_the_request",
    "test_recused",
    "test_before_the_window",
    "test_after_the_window",
    "test_older_sitting_version_left_out",
    "test_replay_with_another_reply_key",
    "test_request_signed_by_another_key",
    "test_frozen_checkpoint",
    "test_expired_trust_policy",
    "test_garbage",
    "test_restored_old_store_opens_nothing",
}
"""Tried against a process as well; the rest is the same code behind the same port."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    kinds = [SEPARATE] if metafunc.function.__name__ in BOTH_KINDS else []
    if "scene" in metafunc.fixturenames:
        metafunc.parametrize("scene", ["in-process", *kinds], indirect=True)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "in-process":
        yield open_scene(tmp_path / "broker")
    else:
        with separate_scene(tmp_path / "broker") as scene:
            yield scene


def refused(scene: Scene, shown: OpenRequest) -> str:
    """The broker's reason; also that it recorded the refusal and opened nothing."""
    with pytest.raises(BrokerRefusalError) as caught:
        scene.world.broker.open(shown)
    reason = str(caught.value.params["reason"])
    assert str(caught.value)
    entries = record(scene)
    assert entries[-1].kind is RecordKind.REFUSED
    assert entries[-1].facts["reason"] == reason
    assert RecordKind.OPENED not in {entry.kind for entry in entries}
    return reason


def record(scene: Scene) -> list[RecordEntry]:
    entries, _note = scene.world.broker.record()
    return [RecordEntry.parse(line) for line in entries.splitlines()]


def attempt(scene: Scene, who: Any = None, deposit: Any = None, **changes: Any) -> OpenRequest:
    """A request that the server logged as authorised, whatever the policy says of it."""
    world = scene.world
    deposit = deposit or scene.deposit
    request = world.request(who or scene.member, scene.sitting, deposit, **changes)
    return world.shown(request, deposit, world.authorise(request, deposit))


def test_an_honest_release_opens(scene: Scene) -> None:
    """The reader gets their own header, sealed to the reply key, and it is recorded once."""
    request, answer = scene.world.release(scene.member, scene.sitting, scene.deposit)
    assert decrypt_with(answer, request.reply) == scene.deposit.headers[scene.member.certificate]
    last = record(scene)[-1]
    assert last.kind is RecordKind.OPENED
    assert last.cites["access_request"] == request.digest


def test_the_answer_opens_for_the_reply_key_alone(scene: Scene) -> None:
    """Nobody but the holder of the one-use reply key opens the answer."""
    _request, answer = scene.world.release(scene.member, scene.sitting, scene.deposit)
    with pytest.raises(CryptoError):
        decrypt_with(answer, scene.member.identity.age_identity)


def test_retry_gets_the_same_answer_and_one_record(scene: Scene) -> None:
    """The same request under a newer checkpoint gets the same bytes; the record grows once."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    first = world.broker.open(world.shown(request, scene.deposit, index))
    world.advance(hours=2)
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    again = world.new_broker().open(world.shown(request, scene.deposit, index))
    assert again == first
    assert [entry.kind for entry in record(scene)].count(RecordKind.OPENED) == 1


def test_no_event(scene: Scene) -> None:
    """Without a release event in the log nothing opens: another event's receipt will not do."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_refused_event(scene: Scene) -> None:
    """A logged refusal is no authorisation."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    cites = {"access_request": request.digest, "certificate": scene.member.certificate}
    facts = {"deposit": scene.deposit.deposit, "purpose": "read", "reason": "recused"}
    index = world.log_event(EventType.RELEASE_REFUSED, cites, facts)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_another_deposits_event(scene: Scene) -> None:
    """The authorisation of one deposit opens no other."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit, scene.other)
    index = world.authorise(request, scene.other)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_another_requests_event(scene: Scene) -> None:
    """The authorisation of an earlier request does not serve a new one."""
    world = scene.world
    earlier = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(earlier, scene.deposit)
    later = world.request(scene.member, scene.sitting, scene.deposit)
    assert refused(scene, world.shown(later, scene.deposit, index)) == "not-authorised"


@pytest.mark.parametrize("role", ["sitting", "roster", "manifest", "certificate", "declaration"])
def test_event_that_cites_something_else(scene: Scene, role: str) -> None:
    """The event must cite exactly the statements in force, each of them."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit, **{role: Digest("0" * 64)})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_event_in_a_log_of_its_own(scene: Scene) -> None:
    """An event logged aside, in a log signed by the real key, has no cosignature: it opens nothing."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    honest = world.shown(request, scene.deposit, 0)
    world.store, world.log_policy = MemoryLogStore(), None
    world.log = world.new_log(world.store, cosigned=False)
    forged = world.receipt(world.authorise(request, scene.deposit))
    shown = OpenRequest(
        honest.access_request,
        honest.statements,
        forged,
        honest.deposit,
        honest.envelope,
        honest.item,
    )
    assert refused(scene, shown) == "bad-receipt"


def test_event_in_a_fork_that_shares_the_past(scene: Scene) -> None:
    """The broker cosigns one history: a fork from an earlier state gets no signature of it."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    fork = MemoryLogStore()
    for ticket in world.store.rows.tickets:
        fork.append(world.store.rows.entries[ticket])
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    honest = world.shown(request, scene.deposit, 0)
    world.store, world.log_policy = fork, None
    world.log = world.new_log(fork)
    forged = world.receipt(world.authorise(request, scene.deposit))
    shown = OpenRequest(
        honest.access_request,
        honest.statements,
        forged,
        honest.deposit,
        honest.envelope,
        honest.item,
    )
    assert refused(scene, shown) == "bad-receipt"


@pytest.mark.parametrize("line", [1, 2, 3, 4, 5, 7, 8, 9])
def test_forged_receipt(scene: Scene, line: int) -> None:
    """A receipt with any line altered proves nothing."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    lines = world.receipt(world.authorise(request, scene.deposit)).split(b"\n")
    text = bytearray(lines[line])
    place = len(text) // 2
    text[place] = ord("B") if text[place] != ord("B") else ord("C")
    lines[line] = bytes(text)
    shown = world.shown(request, scene.deposit, 0, release=b"\n".join(lines))
    assert refused(scene, shown) == "bad-receipt"


def test_other_deposits_envelope(scene: Scene) -> None:
    """An envelope of another deposit, even for the same reader, is not the one to open."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    foreign = scene.other.envelopes[scene.member.certificate]
    shown = world.shown(request, scene.deposit, index, envelope=foreign)
    assert refused(scene, shown) == "foreign-envelope"


def test_other_readers_envelope(scene: Scene) -> None:
    """The envelope of another reader of the same deposit does not open for this one."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    index = world.authorise(request, scene.deposit)
    foreign = scene.deposit.envelopes[scene.depositor.certificate]
    shown = world.shown(request, scene.deposit, index, envelope=foreign)
    assert refused(scene, shown) == "foreign-envelope"


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


def test_off_the_agenda(scene: Scene) -> None:
    """A dossier that left the agenda is not read."""
    scene.world.publish_agenda(scene.sitting, scene.other)
    assert refused(scene, attempt(scene)) == "not-on-agenda"


def test_agenda_item_left_out(scene: Scene) -> None:
    """What is not shown to be on the agenda is not on it: the broker takes no dossier for granted."""
    assert refused(scene, replace(attempt(scene), item=None)) == "not-on-agenda"


def test_agenda_item_of_another_dossier(scene: Scene) -> None:
    """Another dossier's line proves nothing of this one."""
    item = scene.world.opening_of(scene.sitting, scene.other.manifest.digest)
    assert refused(scene, replace(attempt(scene), item=item)) == "not-on-agenda"


def test_agenda_item_that_was_changed(scene: Scene) -> None:
    """A line that the registrar did not commit to, or of a past version, is refused as such."""
    world, shown = scene.world, attempt(scene)
    assert shown.item is not None
    other = shown.item.content.replace(b'"rank":', b'"rank":1')
    assert other != shown.item.content
    for forged in (
        AgendaOpening(shown.item.opening, other),
        AgendaOpening(bytes(32), shown.item.content),
        AgendaOpening(b"short", shown.item.content),
        AgendaOpening(shown.item.opening, b"nonsense"),
    ):
        assert refused(scene, replace(shown, item=forged)) == "foreign-item"
    world.publish_agenda(scene.sitting, scene.deposit, scene.other)
    assert refused(scene, replace(attempt(scene), item=shown.item)) == "foreign-item"


def test_broker_keeps_no_agenda(scene: Scene) -> None:
    """What a request showed of the agenda is forgotten with it."""
    world = scene.world
    shown = attempt(scene)
    assert world.broker.open(shown)
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.open(replace(attempt(scene), item=None))
    assert caught.value.params["reason"] == "not-on-agenda"


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
    assert world.broker.open(attempt(scene, deposit=card))
    with pytest.raises(BrokerRefusalError) as undeclared:
        world.broker.open(attempt(scene, deposit=made))
    assert undeclared.value.params["reason"] == "declaration-missing"
    world.recuse(scene.member, scene.sitting, made)
    with pytest.raises(BrokerRefusalError) as recused:
        world.broker.open(attempt(scene, deposit=card))
    assert recused.value.params["reason"] == "recused"


def test_without_declaration(scene: Scene) -> None:
    """No declaration of no conflict, no dossier."""
    world = scene.world
    late = world.deposit(scene.depositor, scene.sitting, scene.member)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, late)
    assert refused(scene, attempt(scene, deposit=late)) == "declaration-missing"


def test_replay_with_another_reply_key(scene: Scene) -> None:
    """A server that puts its own reply key into a member's request breaks the signature."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.broker.open(world.shown(request, scene.deposit, world.authorise(request, scene.deposit)))
    thief = HybridIdentity.generate(os.urandom)
    outer = json.loads(request.signed.envelope)
    body = json.loads(base64.b64decode(outer["payload"]))
    body["reply_key"] = str(recipient_of(thief))
    outer["payload"] = base64.b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()
    request.signed = type(request.signed)(
        AccessRequest.model_validate(body),
        json.dumps(outer).encode(),
        request.digest,
        b"",
        request.signed.signatures,
    )
    index = world.authorise(request, scene.deposit)
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.open(world.shown(request, scene.deposit, index))
    assert caught.value.params["reason"] == "bad-signature"


def test_request_signed_by_another_key(scene: Scene) -> None:
    """A request that names a member's certificate and is signed by somebody else is refused."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    stranger = Identity(MasterSeed.generate(os.urandom))
    request.signed = stranger.sign(request.signed.statement)
    index = world.authorise(request, scene.deposit)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "bad-signature"


def test_request_for_another_deposit(scene: Scene) -> None:
    """A deposit that the reader did not ask for is not opened in their name."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.other)
    index = world.authorise(request, scene.deposit)
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"


def test_member_asks_as_depositor(scene: Scene) -> None:
    """A reader cannot take the envelope meant for late grants."""
    shown = attempt(scene, purpose=Purpose.GRANT)
    assert refused(scene, shown) == "role-missing"


def test_grant_without_declaration_opens_for_the_association(scene: Scene) -> None:
    """A depositor of the same association gets the grant envelope, without any declaration."""
    world = scene.world
    request = world.request(scene.depositor, scene.sitting, scene.deposit, purpose=Purpose.GRANT)
    index = world.authorise(request, scene.deposit)
    answer = world.broker.open(world.shown(request, scene.deposit, index))
    due = scene.deposit.headers[scene.depositor.certificate]
    assert decrypt_with(answer, request.reply) == due


def test_grant_of_another_association(scene: Scene) -> None:
    """Another association's depositor is told that no such deposit exists."""
    paul = scene.world.people["paul"]
    assert refused(scene, attempt(scene, paul, purpose=Purpose.GRANT)) == "deposit-unknown"


def test_frozen_checkpoint(scene: Scene) -> None:
    """A checkpoint cosigned more than five minutes ago is no present: the log may have gone on."""
    shown = attempt(scene)
    scene.world.advance(minutes=6)
    assert refused(scene, shown) == "stale-checkpoint"


def test_reader_who_saw_another_log(scene: Scene) -> None:
    """A reader who was shown a checkpoint that this broker never cosigned is not served."""
    world = scene.world
    fork = MemoryLogStore()
    policy, world.log_policy = world.log_policy, None
    foreign = world.new_log(fork, cosigned=False).integrate().decode()
    world.log_policy = policy
    assert refused(scene, attempt(scene, checkpoint=foreign)) == "other-log"


def test_envelope_that_lies_about_its_header(scene: Scene) -> None:
    """A depositor whose envelope holds another header than announced is found out at opening."""
    world, claire = scene.world, scene.member
    real = world.envelope

    def lying(*arguments: Any) -> Any:
        entry, header, envelope = real(*arguments)
        return entry.model_copy(update={"header_sha256": Digest("1" * 64)}), header, envelope

    world.envelope = lying  # type: ignore[method-assign]
    deposit = world.deposit(scene.depositor, scene.sitting, claire)
    world.publish_agenda(scene.sitting, scene.deposit, scene.other, deposit)
    world.declare(claire, scene.sitting, deposit)
    assert refused(scene, attempt(scene, deposit=deposit)) == "broken-envelope"


def test_expired_trust_policy(scene: Scene) -> None:
    """Under an expired trust policy nothing opens."""
    shown = attempt(scene)
    scene.world.advance(days=400)
    assert refused(scene, shown) == "trust-policy-expired"


def test_garbage(scene: Scene) -> None:
    """What is no request at all is refused and recorded, and changes nothing else."""
    shown = OpenRequest(b"{}", (), b"", "../../etc/passwd", b"")
    assert refused(scene, shown) == "malformed"
    assert "deposit" not in record(scene)[-1].facts


def test_refusals_are_recorded_once(scene: Scene) -> None:
    """A server that repeats a refused request does not fill the record."""
    scene.world.recuse(scene.member, scene.sitting, scene.deposit)
    shown = attempt(scene)
    before = len(record(scene))
    for _ in range(3):
        refused(scene, shown)
    assert len(record(scene)) == before + 1


def test_restored_old_store_opens_nothing(scene: Scene, tmp_path: Path) -> None:
    """A broker whose directory was set back notices that the log is ahead of its head."""
    world = scene.world
    state = (world.directory / "state.slots").read_bytes()
    world.advance(minutes=1)
    shown = attempt(scene)
    (world.directory / "state.slots").write_bytes(state)
    with pytest.raises(BrokerRefusalError) as caught:
        world.new_broker().open(shown)
    assert caught.value.params["reason"] in {"bad-receipt", "other-log"}


def test_backdated_event_of_a_revoked_author(scene: Scene) -> None:
    """Logging today, with yesterday's date, the act of a key revoked in between: refused."""
    world = scene.world
    world.advance(hours=1)
    world.revoke(scene.depositor)
    with pytest.raises(BrokerRefusalError) as caught:
        world.withdraw(scene.depositor, scene.deposit, at=world.now - timedelta(hours=2))
    assert caught.value.params["reason"] == "bad-signature"


@pytest.mark.parametrize("wrong", [{"purpose": "grant"}, {"deposit": "other"}, {"more": "x"}])
def test_event_that_says_something_else(scene: Scene, wrong: dict[str, str]) -> None:
    """The event's own facts, deposit and purpose, must be those of the request, and no more."""
    world = scene.world
    request = world.request(scene.member, scene.sitting, scene.deposit)
    honest = world.authorise(request, scene.deposit)
    disclosure = world.store.disclosure(honest)
    assert disclosure is not None
    details = EventDetails.parse(disclosure.details)
    index = world.log_event(details.type, details.cites, {**details.facts, **wrong})
    assert refused(scene, world.shown(request, scene.deposit, index)) == "not-authorised"
