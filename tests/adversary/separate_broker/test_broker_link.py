"""The way between service and broker: who gets in, who is believed, what runs without the other."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from crypto.keys import PartySigningSeed
from exchange.broker.errors import BrokerStoreError
from exchange.broker.process.certificates import make_certificates
from exchange.broker.process.counter import Asked, Wish, ask
from exchange.remote_broker.client import RemoteBroker
from exchange.remote_broker.errors import BrokerLinkError
from exchange.remote_broker.link import BrokerLink
from exchange.settings import SettingsError, load_settings
from exchange.usecases.errors import BrokerUnavailableError
from exchange.wiring.broker_host import write_certificates
from exchange.wiring.instance import make_instance
from tests.support.broker_world import Scene
from tests.support.broker_world_log import ORIGIN, START
from tests.support.live_service import plan_of
from tests.support.separate_broker import HOST, LONG, OWN_PROCESS, world_of

pytestmark = OWN_PROCESS


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
