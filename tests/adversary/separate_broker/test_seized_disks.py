"""Whoever copies the disks of service and broker: what opens, before the closing and after it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from audit.errors import LogUnavailableError
from crypto.age.decrypt import decrypt_with
from crypto.errors import CryptoError
from exchange.broker.at_rest import UNLOCK_FILE
from exchange.broker.errors import BrokerLockedError
from exchange.broker.keystore import KeyStore
from exchange.broker.process.counter import Asked, Wish, ask
from exchange.usecases.errors import BrokerUnavailableError
from tests.support.broker_world import Scene
from tests.support.separate_broker import OWN_PROCESS, world_of
from tests.support.try_every_key import Haul, open_everything

pytestmark = OWN_PROCESS


def test_what_passes_through_opens_for_the_reader_alone(scene: Scene) -> None:
    """All keys of the server's and of other people do not open the one answer that passed."""
    world = world_of(scene)
    request, answer = world.release(scene.member, scene.sitting, scene.deposit)
    header = scene.deposit.headers[scene.member.certificate]
    assert decrypt_with(answer, request.reply) == header
    for person in world.people.values():
        with pytest.raises(CryptoError):
            decrypt_with(answer, person.identity.age_identity)


def test_after_closing_every_key_opens_only_what_was_released(scene: Scene, tmp_path: Path) -> None:
    """Everything copied at every moment, and all members' keys: only the released header opens."""
    world = world_of(scene)
    claire = scene.member
    request, answer = world.release(claire, scene.sitting, scene.deposit)
    haul = Haul()
    # The broker's disk as it is after closing; the service's side is everything that it ever had.
    closing = world.close(scene.sitting)
    world.destroy(closing)
    world.stop()
    shutil.copytree(world.directory, tmp_path / "disk")
    haul.take_directory(tmp_path / "disk", world.passphrase)
    for deposit in (scene.deposit, scene.other):
        haul.envelopes.extend(deposit.envelopes.values())
    haul.envelopes.append(answer)
    haul.envelopes.extend(world.envelopes.values())
    haul.identities.extend(p.identity.age_identity for p in world.people.values())
    opened = open_everything(haul)
    assert opened == []
    # The program can open: with the one-use reply key, it finds the released header and no other.
    haul.identities.append(request.reply)
    released = scene.deposit.headers[claire.certificate]
    assert [each for each in open_everything(haul) if each in all_headers(scene)] == [released]


def test_before_closing_the_same_program_opens_everything(scene: Scene, tmp_path: Path) -> None:
    """The program that finds nothing after closing finds all headers before: it does look."""
    world = world_of(scene)
    haul = Haul()
    world.stop()
    shutil.copytree(world.directory, tmp_path / "disk")
    haul.take_directory(tmp_path / "disk", world.passphrase)
    for deposit in (scene.deposit, scene.other):
        haul.envelopes.extend(deposit.envelopes.values())
    assert set(open_everything(haul)) >= set(all_headers(scene))


def all_headers(scene: Scene) -> list[bytes]:
    return [
        header for deposit in (scene.deposit, scene.other) for header in deposit.headers.values()
    ]


def test_disk_without_the_passphrase_is_noise(scene: Scene, tmp_path: Path) -> None:
    """The broker's disk alone, keys not yet destroyed, opens nothing: it is encrypted at rest."""
    world = world_of(scene)
    world.stop()
    shutil.copytree(world.directory, tmp_path / "disk")
    store = KeyStore(tmp_path / "disk")
    assert store.is_locked()
    with pytest.raises(BrokerLockedError):
        store.release_key(scene.deposit.deposit)
    with pytest.raises(BrokerLockedError):
        store.unlock("une autre phrase de passe", os.urandom)
    for path in (tmp_path / "disk").glob("*.key"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert (tmp_path / "disk" / UNLOCK_FILE).exists()


def test_locked_after_a_restart_until_unlocked(scene: Scene) -> None:
    """Restarted without its credential the broker answers nothing; unlocked, all goes on."""
    world = world_of(scene)
    world.stop()
    settings = world.directory / "broker.toml"
    kept = [line for line in settings.read_text().splitlines() if 'passphrase_file = "' not in line]
    settings.write_text("\n".join(kept) + "\n")
    world.start()
    assert ask(world.directory, Asked(wish=Wish.STATUS)).locked
    broker = world.new_broker()
    with pytest.raises(BrokerUnavailableError):
        broker.status(os.urandom(32), scene.sitting, [])
    with pytest.raises(LogUnavailableError):
        broker.cosigner.last_size()
    wrong = ask(world.directory, Asked(wish=Wish.UNLOCK, passphrase="pas la bonne phrase"))
    assert wrong.message is not None
    assert wrong.locked
    told = ask(world.directory, Asked(wish=Wish.UNLOCK, passphrase=world.passphrase))
    assert told.figures["live_keys"] == 2
    request, answer = world.release(scene.member, scene.sitting, scene.deposit)
    header = scene.deposit.headers[scene.member.certificate]
    assert decrypt_with(answer, request.reply) == header
