"""Release keys end when they must: for good, for the right deposits, and against stolen copies."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from crypto.age.decrypt import decrypt_with
from crypto.errors import CryptoError, NotForThisKeyError
from crypto.keys import HybridIdentity
from crypto.statements import parse
from crypto.statements.custody import Cause, Destruction, ReleaseKey
from crypto.statements.exchange import Withdrawal
from exchange.broker import keystore
from exchange.broker.keystore import KeyStore
from exchange.usecases.errors import BrokerRefusalError
from tests.support.broker_world import Scene, World


def reason(caught: pytest.ExceptionInfo[BrokerRefusalError]) -> str:
    return str(caught.value.params["reason"])


def live(world: World) -> frozenset[str]:
    return KeyStore(world.directory).live_deposits()


def test_same_key_for_the_same_deposit(scene: Scene) -> None:
    """Asking again gives the very same statement, from any process."""
    world = scene.world
    digest = world.sittings[scene.sitting].digest
    again = world.new_broker().make_release_key(scene.deposit.deposit, digest)
    assert again == scene.deposit.release_key.envelope


def test_key_says_the_sitting_and_its_window(scene: Scene) -> None:
    """The statement names deposit, sitting and window as acknowledged."""
    statement = scene.deposit.release_key.statement
    sitting = scene.world.sittings[scene.sitting]
    assert statement.sitting_sha256 == sitting.digest
    assert (statement.opens_at, statement.closes_at) == (
        sitting.statement.opens_at,
        sitting.statement.closes_at,
    )


def test_no_key_for_an_unknown_sitting(scene: Scene) -> None:
    """A sitting that the broker has not acknowledged gets no keys."""
    world = scene.world
    unknown = world.sitting("claire")
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.make_release_key(world.new_id(), unknown.digest)
    assert reason(caught) == "unknown-sitting"


def test_no_key_for_an_outdated_version(scene: Scene) -> None:
    """Only the latest version of a sitting gets keys."""
    world = scene.world
    old = world.sittings[scene.sitting].digest
    world.publish_sitting("claire", "odile", of=scene.sitting)
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.make_release_key(world.new_id(), old)
    assert reason(caught) == "stale"


def test_no_key_after_closing(scene: Scene) -> None:
    """A closed sitting gets no keys."""
    world = scene.world
    world.close(scene.sitting)
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.make_release_key(world.new_id(), world.sittings[scene.sitting].digest)
    assert reason(caught) == "sitting-closed"


@pytest.mark.parametrize("deposit", ["", "../statement", "A" * 26, "a" * 25 + "b"])
def test_deposit_id_is_no_path(scene: Scene, deposit: str) -> None:
    """A deposit id becomes a file name: nothing but a canonical id is taken."""
    world = scene.world
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.make_release_key(deposit, world.sittings[scene.sitting].digest)
    assert reason(caught) == "malformed"


def test_withdrawal_destroys_all_of_the_dossier_and_nothing_else(scene: Scene) -> None:
    """Every deposit of the withdrawn dossier loses its key; the others keep theirs."""
    world = scene.world
    complement = world.deposit(
        scene.depositor, scene.sitting, scene.member, dossier=scene.deposit.dossier
    )
    destruction = world.destroy(world.withdraw(scene.depositor, scene.deposit)).statement
    assert destruction.cause is Cause.WITHDRAWAL
    gone = {scene.deposit.release_key.digest, complement.release_key.digest}
    assert set(destruction.release_keys) == gone
    assert live(world) == {scene.other.deposit}


def test_withdrawal_by_another_association_destroys_nothing(scene: Scene) -> None:
    """Who uses another association's dossier reference cannot destroy its keys."""
    world = scene.world
    signed = world.by(
        world.people["paul"], Withdrawal, dossier=scene.deposit.dossier, reason="malveillance"
    )
    because = world.post(signed)
    assert parse(Destruction, world.broker.destroy(because)).statement.release_keys == ()
    assert scene.deposit.deposit in live(world)


def test_closing_destroys_all_of_the_sitting(scene: Scene) -> None:
    """After a closing no key of the sitting is left, committed or only begun."""
    world = scene.world
    world.begin(scene.depositor, scene.sitting, world.new_id())
    destruction = world.destroy(world.close(scene.sitting)).statement
    assert destruction.cause is Cause.CLOSING
    assert len(destruction.release_keys) == 3
    assert live(world) == frozenset()


def test_closing_spares_other_sittings(scene: Scene) -> None:
    """Another sitting's keys survive the new wrapping key, and still open."""
    world = scene.world
    other = world.publish_sitting("claire", "odile")
    deposit = world.deposit(scene.depositor, other, scene.member)
    world.publish_agenda(other, deposit)
    world.declare(scene.member, other, deposit)
    world.destroy(world.close(scene.sitting))
    request, answer = world.release(scene.member, other, deposit)
    assert decrypt_with(answer, request.reply) == deposit.headers[scene.member.certificate]


def test_destruction_is_idempotent(scene: Scene) -> None:
    """Asking again gives the same statement."""
    world = scene.world
    closing = world.close(scene.sitting)
    assert world.broker.destroy(closing) == world.new_broker().destroy(closing)


def test_destroyed_is_never_made_again(scene: Scene) -> None:
    """A destroyed key is not replaced by another for the same deposit."""
    world = scene.world
    world.destroy(world.withdraw(scene.depositor, scene.deposit))
    with pytest.raises(BrokerRefusalError) as caught:
        world.broker.make_release_key(scene.deposit.deposit, world.sittings[scene.sitting].digest)
    assert reason(caught) == "key-destroyed"


def test_nothing_is_destroyed_without_reason(scene: Scene) -> None:
    """A server cannot have keys destroyed by naming something else."""
    with pytest.raises(BrokerRefusalError) as caught:
        scene.world.broker.destroy(scene.deposit.manifest.digest)
    assert reason(caught) == "nothing-ends"
    assert scene.deposit.deposit in live(scene.world)


def test_acknowledging_destroys_nothing(scene: Scene) -> None:
    """Taking note of a closing is not destroying: that is a call of its own."""
    scene.world.close(scene.sitting)
    assert scene.deposit.deposit in live(scene.world)


def test_expiry_by_the_brokers_own_clock(scene: Scene) -> None:
    """A day after the end, keys of an unclosed sitting go; not a minute before."""
    world = scene.world
    world.now = world.sittings[scene.sitting].statement.closes_at
    world.advance(hours=23, minutes=59)
    assert world.broker.destroy_expired() == ()
    world.advance(minutes=1)
    (envelope,) = world.broker.destroy_expired()
    destruction = parse(Destruction, envelope).statement
    assert (destruction.cause, destruction.because) == (Cause.EXPIRY, None)
    assert live(world) == frozenset()
    assert world.new_broker().destroy_expired() == (envelope,)


def test_stolen_copy_of_the_keys_opens_nothing_afterwards(scene: Scene, tmp_path: Path) -> None:
    """A copy of the key files from before, with the store from after, opens no envelope."""
    world = scene.world
    shutil.copytree(world.directory / "keys", tmp_path / "stolen")
    old = [path.name for path in world.directory.glob("wrapping-*.key")]
    world.destroy(world.close(scene.sitting))
    assert not any((world.directory / name).exists() for name in old)
    store = KeyStore(world.directory)
    (wrapping,) = world.directory.glob("wrapping-*.key")
    identity = HybridIdentity(store._read_secret(wrapping.name))
    for path in (tmp_path / "stolen").iterdir():
        with pytest.raises(NotForThisKeyError):
            decrypt_with(path.read_bytes(), identity)


def test_answers_go_with_the_keys(scene: Scene) -> None:
    """What was answered for a destroyed deposit is destroyed with its key."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)
    assert list((world.directory / "answers").iterdir())
    world.destroy(world.close(scene.sitting))
    assert list((world.directory / "answers").iterdir()) == []


@pytest.mark.parametrize("survive", range(12))
def test_crash_while_destroying(
    scene: Scene, survive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it dies, the next call ends with those keys gone and every other one still good."""
    world = scene.world
    other = world.publish_sitting("claire", "odile")
    kept = world.deposit(scene.depositor, other, scene.member)
    closing = world.close(scene.sitting)
    steps = iter(range(survive))

    def dying(real):
        def step(*arguments):
            if next(steps, None) is None:
                raise KeyboardInterrupt
            return real(*arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(keystore, "write_file", dying(keystore.write_file))
        patch.setattr(keystore, "destroy_file", dying(keystore.destroy_file))
        with contextlib.suppress(KeyboardInterrupt):
            world.broker.destroy(closing)
    broker = world.new_broker()
    destruction = parse(Destruction, broker.destroy(closing)).statement
    assert set(destruction.release_keys) == {
        scene.deposit.release_key.digest,
        scene.other.release_key.digest,
    }
    assert live(world) == {kept.deposit}
    assert len(list(world.directory.glob("wrapping-*.key"))) == 1
    key = KeyStore(world.directory).release_key(kept.deposit)
    assert key is not None
    assert decrypt_with(kept.envelopes[scene.member.certificate], key)


def test_key_without_announcement_is_destroyed(scene: Scene) -> None:
    """A key that a crash left unannounced opens nothing and is removed at the next start."""
    world = scene.world
    orphan = world.new_id()
    KeyStore(world.directory).put_release_key(
        orphan, HybridIdentity.generate(os.urandom), os.urandom
    )
    world.new_broker().record()
    assert orphan not in live(world)


def test_release_key_statement_is_the_brokers(scene: Scene) -> None:
    """A release key verifies under the broker's key of the trust policy and under no other."""
    signed = parse(ReleaseKey, scene.deposit.release_key.envelope)
    scene.world.broker_keys.statement_key.check(signed.encoding, signed.signatures[0])
    with pytest.raises(CryptoError):
        scene.member.identity.verify_key.check(signed.encoding, signed.signatures[0])
