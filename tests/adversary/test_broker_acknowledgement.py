"""What a server may tell the broker, and what it cannot make it believe."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from audit.errors import LogUnavailableError, WitnessConflictError, WitnessError
from audit.events import EventType
from audit.log import AuditLog
from audit.note import Note
from crypto.statements import parse
from crypto.statements.custody import Status
from crypto.statements.registry import Revocation, Role, Sitting
from exchange.broker import desk
from exchange.broker.create import create_broker
from exchange.broker.errors import BrokerStoreError
from exchange.broker.in_process import InProcessBroker
from exchange.usecases.broker_record import RecordEntry, RecordKind
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.facts import revoked_digest
from exchange.usecases.ports import Attested, OpenRequest
from tests.support.broker_world import Scene, World
from tests.support.broker_world_log import ORIGIN, START
from tests.support.memory_log import MemoryLogStore
from tests.support.openings import open_one

NONCE = b"n" * 32


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "broker")


def reason(caught: pytest.ExceptionInfo[BrokerRefusalError]) -> str:
    return str(caught.value.params["reason"])


def status(world: World, *includes, sitting: str | None = None) -> Status:
    return parse(Status, world.broker.status(NONCE, sitting, includes)).statement


def test_nothing_before_the_trust_policy(world: World) -> None:
    """Before the first trust policy the broker acknowledges nothing else and says nothing."""
    world.log_policy = None
    with pytest.raises(BrokerRefusalError) as caught:
        world.enrol("Claire Vasseur", "cdom", Role.MEMBER)
    assert reason(caught) == "no-trust-policy"
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.status(NONCE, None, ())
    assert reason(caught) == "no-trust-policy"


def test_first_policy_by_another_root(world: World) -> None:
    """A first trust policy that the pinned root did not sign is refused."""
    real, world.root = world.root, world.registrar
    with pytest.raises(BrokerRefusalError) as caught:
        world.publish_trust()
    assert reason(caught) == "bad-signature"
    world.root = real


def test_policy_of_another_log(world: World) -> None:
    """A trust policy for another origin is another instance's."""
    signed = world.trust_policy()
    index = world.log_event(EventType.STATEMENT_ACCEPTED, {"statement": signed.digest}, {})
    other = world.trust_policy(origin="ailleurs.example/log")
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.acknowledge(Attested(other.envelope, world.receipt(index)))
    assert reason(caught) == "chain"


def test_older_policy_is_refused(world: World) -> None:
    """A lower version never comes back, and a fork of a version neither."""
    world.publish_trust()
    world.publish_trust(2)
    for version in (1, 2):
        with pytest.raises(BrokerRefusalError) as caught:
            world.post(world.trust_policy(version))
        assert reason(caught) == "bad-signature"


def test_statement_with_the_receipt_of_another(scene: Scene) -> None:
    """A receipt proves the statement that its event cites, and no other."""
    world = scene.world
    signed = world.sitting("claire")
    receipt = world.attest(scene.member.certificate).receipt
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.acknowledge(Attested(signed.envelope, receipt))
    assert reason(caught) == "bad-receipt"


def test_statement_recorded_by_the_wrong_event(scene: Scene) -> None:
    """A closing cited by some other kind of event was not accepted."""
    world = scene.world
    signed = world.sitting("claire")
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(signed, EventType.ROSTER_READ)
    assert reason(caught) == "bad-receipt"


def test_statement_from_the_future(scene: Scene) -> None:
    """An event dated ahead of the broker's clock is refused: some clock is wrong."""
    world = scene.world
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(world.sitting("claire"), at=world.now + timedelta(hours=1))
    assert reason(caught) == "clock"


def test_statement_by_nobody(scene: Scene) -> None:
    """A sitting that a member signed is no sitting."""
    world = scene.world
    forged = scene.member.identity.sign(
        world.sitting("claire").statement.model_copy(update={"signer": scene.member.certificate})
    )
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(forged)
    assert reason(caught) == "bad-signature"


def test_author_revoked_before(scene: Scene) -> None:
    """A statement logged after its author's revocation does not count."""
    world = scene.world
    world.revoke(scene.depositor)
    with pytest.raises(BrokerRefusalError) as caught:
        world.withdraw(scene.depositor, scene.deposit)
    assert reason(caught) == "bad-signature"


def test_author_revoked_after(scene: Scene) -> None:
    """A statement logged before its author's revocation counts, though it is shown after."""
    world = scene.world
    withdrawal = world.withdraw(scene.depositor, scene.deposit, acknowledge=False)
    world.revoke(scene.depositor)
    world.broker.acknowledge(world.attest(withdrawal))
    assert status(world, withdrawal).includes == (withdrawal,)


def test_backdated_act_of_an_expired_certificate(scene: Scene) -> None:
    """A date before the expiry does not help, where the log holds later events before the act."""
    world = scene.world
    world.now = START + timedelta(days=201)
    world.post(world.by_registrar(Revocation, certificate=scene.member.certificate, reason="fin"))
    with pytest.raises(BrokerRefusalError) as caught:
        world.withdraw(scene.depositor, scene.deposit, at=START + timedelta(days=199))
    assert reason(caught) == "bad-signature"


def test_another_broker_as_the_witness(scene: Scene, tmp_path: Path) -> None:
    """When the root names another broker's cosigner, its signature is not this broker's memory."""
    world = scene.world
    other = create_broker(
        tmp_path / "other",
        trust=world.trust,
        origin=ORIGIN,
        log_keys=[str(world.log_signer.verifier)],
        entropy=os.urandom,
    )
    second = InProcessBroker(tmp_path / "other", lambda: world.now, os.urandom)
    cosigners = [world.broker.cosigner, second.cosigner]
    world.log = AuditLog(
        world.store,
        world.high_water,
        world.log_signer,
        cosigners,
        lambda: world.log_policy,
        lambda: world.now,
    )
    policy = f"witness broker {other.cosigner_vkey}\nquorum broker\n"
    with pytest.raises(BrokerRefusalError) as caught:
        world.publish_trust(2, witness_policy=policy)
    assert reason(caught) == "not-the-broker"


def test_two_sittings_with_one_number(scene: Scene) -> None:
    """Of two second versions the broker takes the first that it sees, and no other."""
    world = scene.world
    first, second = world.sitting("odile", of=scene.sitting), world.sitting(of=scene.sitting)
    world.post(first)
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(second)
    assert reason(caught) == "chain"


def test_version_left_out(scene: Scene) -> None:
    """A third version is not taken before the second."""
    world = scene.world
    world.sittings[scene.sitting] = world.sitting("claire", of=scene.sitting)
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(world.sitting("odile", of=scene.sitting))
    assert reason(caught) == "chain"


def test_past_closing_never_moves(scene: Scene) -> None:
    """Once ``closes_at`` has passed, by the broker's own clock, no version moves it."""
    world = scene.world
    closes_at = world.sittings[scene.sitting].statement.closes_at
    world.now = closes_at + timedelta(minutes=1)
    later = world.sitting("claire", of=scene.sitting, closes_at=closes_at + timedelta(days=3))
    with pytest.raises(BrokerRefusalError) as caught:
        world.post(later, at=closes_at - timedelta(hours=1))
    assert reason(caught) == "chain"


def test_acknowledging_twice_changes_nothing(scene: Scene) -> None:
    """The same statement again adds no line to the store."""
    world = scene.world
    before = (world.directory / "statements.jsonl").read_bytes()
    world.broker.acknowledge(world.attest(scene.member.certificate))
    world.new_broker().acknowledge(world.attest(scene.deposit.manifest.digest))
    assert (world.directory / "statements.jsonl").read_bytes() == before


def test_status_says_what_was_acknowledged(scene: Scene) -> None:
    """A status names the versions in force, the revoked list and what it includes, and no more."""
    world = scene.world
    revocation = world.revoke(world.people["martin"])
    unseen = world.recuse(scene.member, scene.sitting, scene.deposit, acknowledge=False)
    said = status(world, revocation, unseen, sitting=scene.sitting)
    assert said.sitting == world.sittings[scene.sitting].digest
    assert said.revoked == revoked_digest(world.index)
    assert said.includes == (revocation,)
    assert said.nonce == NONCE


def test_status_numbers_only_grow(scene: Scene) -> None:
    """Numbers are never used twice, by whatever process."""
    world = scene.world
    brokers = [world.broker, world.new_broker(), world.new_broker()]
    numbers = [
        parse(Status, brokers[turn % 3].status(os.urandom(32), None, ())).statement.number
        for turn in range(9)
    ]
    assert numbers == sorted(set(numbers))


def test_status_number_set_back(scene: Scene) -> None:
    """A store whose statements were set back behind its counters is not used any more."""
    world = scene.world
    world.publish_trust(2)
    status(world)
    lines = (world.directory / "statements.jsonl").read_bytes().splitlines(keepends=True)
    (world.directory / "statements.jsonl").write_bytes(b"".join(lines[:-1]))
    with pytest.raises(BrokerUnavailableError):
        world.new_broker().status(NONCE, None, ())


def test_malformed_status_request(scene: Scene) -> None:
    """A nonce of another length is refused, and uses no number."""
    before = status(scene.world).number
    with pytest.raises(BrokerRefusalError):
        scene.world.broker.status(b"short", None, ())
    assert status(scene.world).number == before + 1


def test_edited_record_stops_the_broker(scene: Scene) -> None:
    """A record that does not match its signature is not continued."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)
    path = world.directory / "record.jsonl"
    lines = path.read_bytes().splitlines()
    entry = json.loads(lines[-1])
    entry["facts"]["deposit"] = scene.other.deposit
    lines[-1] = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    broker = world.new_broker()
    for _ in range(2):
        with pytest.raises(BrokerUnavailableError):
            broker.record()


def test_record_with_its_end_cut(scene: Scene) -> None:
    """Lines removed from the record are missed."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)
    path = world.directory / "record.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(BrokerUnavailableError):
        world.new_broker().record()
    with pytest.raises(BrokerUnavailableError):
        world.broker.record()


def test_witness_refuses_a_fork_and_keeps_it(scene: Scene) -> None:
    """A signed checkpoint that contradicts the head is not cosigned, and is kept as evidence."""
    world = scene.world
    head = world.broker.cosigner.last_size()
    fork = MemoryLogStore()
    world.store, world.log_policy = fork, None
    world.log = world.new_log(fork, cosigned=False)
    for _ in range(head):
        world.log_event(EventType.ROSTER_READ, {}, {})
    note = world.log.integrate()
    with pytest.raises(WitnessError):
        world.broker.cosigner.add_checkpoint(head, (), note)
    assert [path.read_bytes() for path in (world.directory / "evidence").iterdir()] == [note]
    assert world.broker.cosigner.last_size() == head


def test_witness_never_goes_back(scene: Scene) -> None:
    """A restored, shorter log is a conflict that names the size last cosigned."""
    world = scene.world
    head = world.broker.cosigner.last_size()
    world.store, world.log_policy = MemoryLogStore(), None
    world.log = world.new_log(world.store, cosigned=False)
    world.log_event(EventType.ROSTER_READ, {}, {})
    with pytest.raises(WitnessConflictError) as caught:
        world.new_broker().cosigner.add_checkpoint(0, (), world.log.integrate())
    assert caught.value.size == head


def test_witness_knows_its_log_only(scene: Scene) -> None:
    """A checkpoint without the log's signature is not cosigned."""
    note = Note.parse(scene.world.log.integrate())
    foreign = Note(note.text.replace(ORIGIN.encode(), b"ailleurs.example/log"), note.signatures)
    with pytest.raises(WitnessError):
        scene.world.broker.cosigner.add_checkpoint(0, (), foreign.to_bytes())


def test_cosigner_is_unavailable_when_the_store_is(scene: Scene) -> None:
    """To the log a damaged broker is a witness that does not answer: an error of the log's own."""
    world = scene.world
    (world.directory / "state.slots").write_bytes(b"{}garbage")
    with pytest.raises(LogUnavailableError):
        world.new_broker().cosigner.last_size()


def test_store_is_made_once(scene: Scene) -> None:
    """Creating a broker over an existing one is refused and changes nothing."""
    world = scene.world
    key = (world.directory / "statement.key").read_bytes()
    with pytest.raises(BrokerStoreError):
        create_broker(
            world.directory,
            trust=world.trust,
            origin=ORIGIN,
            log_keys=[str(world.log_signer.verifier)],
            entropy=os.urandom,
        )
    assert (world.directory / "statement.key").read_bytes() == key


def test_policy_that_names_another_broker(scene: Scene) -> None:
    """When the root names another broker, this one signs nothing more."""
    world = scene.world
    stranger = world.registrar.verify_key()
    world.publish_trust(2, broker_keys=(stranger,))
    with pytest.raises(BrokerRefusalError) as caught:
        status(world)
    assert reason(caught) == "not-the-broker"


def test_second_process_sees_what_the_first_did(scene: Scene) -> None:
    """Two processes on one directory share statements, keys and head."""
    world = scene.world
    second = world.new_broker()
    second.record()
    sitting = world.publish_sitting("claire")
    deposit = world.new_id()
    made = second.make_release_key(deposit, world.sittings[sitting].digest)
    assert world.broker.make_release_key(deposit, world.sittings[sitting].digest) == made
    assert isinstance(world.sittings[sitting].statement, Sitting)
    assert second.cosigner.last_size() == world.broker.cosigner.last_size()


def test_refusals_cannot_fill_the_disk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a day's fill one line says that more were refused; the next day they count again."""
    monkeypatch.setattr(desk, "MAX_REFUSALS_A_DAY", 5)
    world = scene.world

    def recorded_after(tries: int) -> list[str]:
        for _ in range(tries):
            with pytest.raises(BrokerRefusalError) as caught:
                open_one(world.broker, OpenRequest(b"{}", (), b"", world.new_id(), b""))
            assert reason(caught) == "malformed"
        lines = [RecordEntry.parse(line) for line in world.broker.record()[0].splitlines()]
        return [each.facts["reason"] for each in lines if each.kind is RecordKind.REFUSED]

    assert recorded_after(4) == ["malformed"] * 4
    full = ["malformed"] * 5 + ["too-many-refusals"]
    assert recorded_after(8) == full
    world.advance(days=1)
    assert recorded_after(1) == [*full, "malformed"]
