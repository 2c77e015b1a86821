"""A hostile server with everything it can have, before a broker in a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import (
    LogUnavailableError,
    WitnessConflictError,
    WitnessForbiddenError,
    WitnessProofError,
)
from audit.events import EventType
from audit.note import Note, NoteSigner
from crypto.age.decrypt import decrypt_with
from crypto.age.identities import recipient_of
from crypto.errors import CryptoError
from crypto.keys import HybridIdentity, PartySigningSeed, ServiceSigningSeed
from crypto.statements import parse, seal
from crypto.statements.custody import ReleaseKey, Status
from exchange.broker.at_rest import UNLOCK_FILE
from exchange.broker.errors import BrokerLockedError, BrokerStoreError
from exchange.broker.keystore import KeyStore
from exchange.broker.process.certificates import make_certificates
from exchange.broker.process.counter import Asked, Wish, ask
from exchange.remote_broker.client import RemoteBroker
from exchange.remote_broker.errors import BrokerLinkError
from exchange.remote_broker.link import BrokerLink
from exchange.settings import SettingsError, load_settings
from exchange.usecases.broker_record import RecordEntry, RecordKind
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.wiring.broker_host import write_certificates
from exchange.wiring.instance import make_instance
from tests.support.broker_world import Scene
from tests.support.broker_world_log import ORIGIN, START
from tests.support.live_service import plan_of
from tests.support.memory_log import MemoryLogStore
from tests.support.separate_broker import FAKETIME, HOST, LONG, SeparateWorld, separate_scene
from tests.support.try_every_key import Haul, open_everything

pytestmark = [
    pytest.mark.own_process,
    pytest.mark.skipif(not FAKETIME.exists(), reason="faketime is not installed"),
]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with separate_scene(tmp_path / "broker") as scene:
        yield scene


def world_of(scene: Scene) -> SeparateWorld:
    assert isinstance(scene.world, SeparateWorld)
    return scene.world


def record(scene: Scene) -> list[RecordEntry]:
    lines, _note = scene.world.broker.record()
    return [RecordEntry.parse(line) for line in lines.splitlines()]


def reasons(scene: Scene) -> set[str]:
    return {e.facts["reason"] for e in record(scene) if e.kind is RecordKind.REFUSED}


def test_hostile_server_gets_no_header(scene: Scene) -> None:
    """One server after another trick: nothing opens, and the signed record holds each attempt."""
    world = world_of(scene)
    claire, odile = scene.member, world.people["odile"]
    request = world.request(claire, scene.sitting, scene.deposit)
    honest = world.shown(request, scene.deposit, world.authorise(request, scene.deposit))

    def tried(reason: str, shown: object) -> None:
        with pytest.raises(BrokerRefusalError) as caught:
            world.broker.open(shown)  # type: ignore[arg-type]
        assert caught.value.params["reason"] == reason
        assert reason in reasons(scene)

    # A receipt of something else; another deposit's envelope; another deposit's authorisation.
    tried("not-authorised", replace(honest, release=world.receipt(0)))
    swapped = scene.other.envelopes[claire.certificate]
    tried("foreign-envelope", replace(honest, envelope=swapped))
    both = world.request(claire, scene.sitting, scene.deposit, scene.other)
    elsewhere = world.shown(both, scene.deposit, world.authorise(both, scene.other))
    tried("not-authorised", elsewhere)
    # Odile sits for the depositing association: recused by the structure, whatever is logged.
    hers = world.request(odile, scene.sitting, scene.deposit)
    tried(
        "structurally-recused",
        world.shown(hers, scene.deposit, world.authorise(hers, scene.deposit)),
    )
    # A receipt as old as a frozen log's.
    world.advance(minutes=6)
    tried("stale-checkpoint", honest)
    # A revocation that the server accepted and did not show: shown or not, nothing opens.
    world.revoke(claire)
    late = world.request(claire, scene.sitting, scene.deposit)
    with pytest.raises(BrokerRefusalError):
        world.broker.open(world.shown(late, scene.deposit, world.authorise(late, scene.deposit)))
    assert RecordKind.OPENED not in {entry.kind for entry in record(scene)}
    assert {entry.facts.get("custody") for entry in record(scene)} >= {"separate"}


def test_forked_log_is_not_cosigned(scene: Scene) -> None:
    """A second history signed by the log's own key gets no cosignature, and is kept as evidence."""
    world = world_of(scene)
    size = world.broker.cosigner.last_size()
    world.store, world.log_policy = MemoryLogStore(), None
    world.log = world.new_log(world.store, cosigned=False)
    for _ in range(size + 3):
        world.log_event(EventType.ROSTER_READ, {}, {"what": "sittings"})
    fork = world.log.integrate()
    with pytest.raises(WitnessProofError):
        world.broker.cosigner.add_checkpoint(size, world.log.consistency(size, size + 3), fork)
    with pytest.raises(WitnessConflictError):
        world.broker.cosigner.add_checkpoint(0, [], fork)
    assert "forked-log" in reasons(scene)
    assert any((world.directory / "evidence").iterdir())


def test_hidden_revocation_shows_in_the_status(scene: Scene) -> None:
    """A server that keeps a revocation from the broker cannot get a status that includes it."""
    world = world_of(scene)
    hidden = world.revoke(scene.member, acknowledge=False)
    before = parse(Status, world.broker.status(os.urandom(32), scene.sitting, [hidden]))
    assert before.statement.includes == ()
    world.broker.acknowledge(world.attest(hidden))
    after = parse(Status, world.broker.status(os.urandom(32), scene.sitting, [hidden]))
    assert after.statement.includes == (hidden,)
    assert after.statement.revoked != before.statement.revoked
    assert after.statement.number > before.statement.number


def test_key_made_by_the_server_opens_nothing(scene: Scene) -> None:
    """A release key that the server made and signed itself is no key of the broker's."""
    world = world_of(scene)
    own_seed, own = ServiceSigningSeed.generate(os.urandom), HybridIdentity.generate(os.urandom)
    real = scene.deposit.release_key.statement
    forged = seal(
        real.model_copy(
            update={
                "recipient": recipient_of(own),
                "signer": own_seed.verify_key().fingerprint,
                "deposit": world.new_id(),
            }
        ),
        [own_seed],
    )
    assert isinstance(forged.statement, ReleaseKey)
    cites = {
        "release_key": forged.digest,
        "certificate": scene.depositor.certificate,
        "sitting": real.sitting_sha256,
    }
    facts = {"deposit": forged.statement.deposit}
    with pytest.raises(BrokerRefusalError):
        world.post(forged, EventType.DEPOSIT_BEGUN, cites=cites, facts_=facts)
    assert "bad-signature" in reasons(scene)


def test_forged_statement_is_refused_and_recorded(scene: Scene) -> None:
    """A sitting signed by the server's own key is not taken note of, and stays in the record."""
    world = world_of(scene)
    honest = world.registrar
    world.registrar = world.root  # not a registrar's key of the policy
    forged = world.sitting("claire")
    world.registrar = honest
    with pytest.raises(BrokerRefusalError):
        world.post(forged)
    assert forged.digest in {entry.cites.get("statement") for entry in record(scene)}


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


def test_strangers_do_not_get_in(scene: Scene, tmp_path: Path) -> None:
    """No certificate, another authority's, the broker's own as a client, plain HTTP: none passes."""
    world = world_of(scene)
    others = tmp_path / "others"
    others.mkdir()
    write_certificates(others, make_certificates(HOST, START, LONG))
    shutil.copy(world.directory / "service" / "ca.pem", others / "service" / "ca.pem")
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    shutil.copy(world.directory / "service" / "ca.pem", stolen / "ca.pem")
    shutil.copy(world.directory / "tls" / "broker.pem", stolen / "client.pem")
    shutil.copy(world.directory / "tls" / "broker.key", stolen / "client.key")
    for credentials in (others / "service", stolen):
        stranger = RemoteBroker(BrokerLink(f"https://{world.address}", credentials), ORIGIN)
        with pytest.raises(BrokerUnavailableError):
            stranger.record()
    host, _, port = world.address.rpartition(":")
    anonymous = ssl.create_default_context(cafile=world.directory / "service" / "ca.pem")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection((host, int(port))) as plain,
        anonymous.wrap_socket(plain, server_hostname=host) as dressed,
    ):
        dressed.sendall(b"GET /v1/head HTTP/1.1\r\nHost: x\r\n\r\n")
        assert dressed.recv(1) == b"never"
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        plain.sendall(b"GET /v1/head HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"size" not in plain.recv(4_096)


def test_impostor_in_the_brokers_place(tmp_path: Path) -> None:
    """A process at the broker's address without its certificate gets nothing from the service."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        write_certificates(folder, make_certificates(HOST, START, LONG))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs / "tls" / "broker.pem", theirs / "tls" / "broker.key")
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        link = BrokerLink(f"https://{HOST}:{port}", ours / "service")
        child = os.fork()
        if child == 0:
            _accept_once_or_twice(listener, context)
            os._exit(0)
        try:
            with pytest.raises(BrokerUnavailableError):
                RemoteBroker(link, ORIGIN).record()
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


def _accept_once_or_twice(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        connection, _address = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True).recv(4_096)
        except OSError:
            connection.close()


def test_plain_http_is_no_address(tmp_path: Path) -> None:
    """``http://`` is refused as a setting and as a link, for the loopback too."""
    with pytest.raises(BrokerLinkError):
        BrokerLink("http://127.0.0.1:8443", tmp_path)
    environment = {
        "DOSSIER_DATABASE_URL": "sqlite:////x",
        "DOSSIER_OBJECTS_URL": "file:///x",
        "DOSSIER_ORIGIN": ORIGIN,
        "DOSSIER_PUBLIC_URL": "https://dossiers.example",
        "DOSSIER_LOG_KEY_FILE": "/x",
        "DOSSIER_HIGH_WATER_FILE": "/x",
        "DOSSIER_TRUST_FILE": "/x",
        "DOSSIER_COOKIE_SECRET_FILE": "/x",
        "DOSSIER_BROKER_TLS_DIRECTORY": "/x",
    }
    with pytest.raises(SettingsError, match="broker_url"):
        load_settings(None, {**environment, "DOSSIER_BROKER_URL": "http://127.0.0.1:8443"})
    safe = {**environment, "DOSSIER_BROKER_URL": "https://127.0.0.1:8443"}
    assert load_settings(None, safe).broker_url == "https://127.0.0.1:8443"
    with pytest.raises(SettingsError):
        load_settings(None, {**safe, "DOSSIER_BROKER_DIRECTORY": "/x"})


def test_no_broker_answers_at_an_empty_counter(tmp_path: Path) -> None:
    """``unlock`` without a running broker says so instead of hanging."""
    with pytest.raises(BrokerStoreError):
        ask(tmp_path, Asked(wish=Wish.STATUS))


WITHOUT_DECRYPTION = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("exchange.broker", "crypto.edge", "crypto.age.decrypt",
                            "crypto.age.unwrap", "crypto.age.payload_open")):
            raise ModuleNotFoundError(name)
        return None
sys.meta_path.insert(0, Absent())
from pathlib import Path
from exchange.settings import load_settings
from exchange.wiring.service import wire_service
from exchange.wiring.web_server import WebServer
wired = wire_service(load_settings(Path(sys.argv[1]), {}))
wired.application()
assert wired.broker.custody.value == "separate"
"""


def test_service_runs_without_the_code_that_opens(tmp_path: Path) -> None:
    """With ``broker_url`` the service starts where broker and decryption are not installed at all."""
    plan = plan_of(tmp_path, PartySigningSeed.generate(os.urandom).verify_key(),
                   broker_directory=None, broker_url="https://127.0.0.1:8443")  # fmt: skip
    made = make_instance(plan, os.urandom)
    write_certificates(tmp_path, make_certificates(HOST, START, LONG))
    shutil.copytree(tmp_path / "service", made.plan.directory / "broker-tls")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DECRYPTION, str(made.settings_file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_stolen_link_key_cannot_sign_as_the_log(scene: Scene) -> None:
    """The link's certificate is not the log's key: a checkpoint of another key is not cosigned."""
    world = world_of(scene)
    size = world.broker.cosigner.last_size()
    other = NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom))
    text = Checkpoint(ORIGIN, size, bytes(32)).to_text()
    note = Note(text, other.sign(text)).to_bytes()
    with pytest.raises(WitnessForbiddenError):
        world.broker.cosigner.add_checkpoint(size, [], note)
