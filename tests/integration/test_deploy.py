"""What an operator installs is tried as it stands: units, proxy, alert rules, the server's own tree."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry

from exchange.demo.service_process import free_port
from exchange.web.metrics import Metrics
from tests.support.small_commission import (
    DEPOSITOR,
    DOCTOR,
    SmallCommission,
    small_commission,
    wait_until,
)

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MAX_EXPOSURE = 2.0
"""By systemd's own scale from 0 (safe) to 10."""

NOT_ON_THE_SERVER = ("crypto/edge", "exchange/client", "exchange/demo", "exchange/replay")
"""What the server image leaves out: nothing that touches a content key or a person's key."""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda p: p.name)
def test_units_are_hardened(unit: Path) -> None:
    """systemd itself rates the exposure of each unit at 2.0 or better."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


def test_every_service_started_by_a_timer_exists() -> None:
    """A timer starts the service of its own name; both are shipped."""
    timers = sorted(DEPLOY.glob("systemd/*.timer"))
    assert timers
    assert all(timer.with_suffix(".service").exists() for timer in timers)


def test_alerts_speak_of_real_figures() -> None:
    """Each figure that an alert rule names is one that the service gives."""
    registry = CollectorRegistry()
    Metrics(registry)
    given = {
        name
        for family in registry.collect()
        for name in (family.name, f"{family.name}_total", f"{family.name}_bucket")
    }
    rules = (DEPLOY / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\bdossier_[a-z_]+\b", rules))
    assert named
    assert named <= given


# --- the proxy ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proxied:
    """The commission behind nginx: https, its certificate, and the plain port beside it."""

    commission: SmallCommission
    port: int
    plain_port: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def pool(self, **options: object) -> urllib3.PoolManager:
        return urllib3.PoolManager(ca_certs=str(self.certificate), retries=False, **options)  # type: ignore[arg-type]

    def does(self, who: str, *words: str | Path) -> str:
        """A person's command through the proxy; what it printed."""
        person = self.commission.people[who]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "exchange.cli", "--profile", person.directory),
                *("--passphrase-file", person.passphrase_file, "--server", self.url, *words),
            ],
            env={**os.environ, "LANG": "fr_FR.UTF-8", "SSL_CERT_FILE": str(self.certificate)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("proxied")
    port, plain = free_port(), free_port()
    with small_commission(folder / "commission") as commission:
        certificate, key = certify_localhost(folder)
        behind = re.search(r"\d+$", commission.url)
        assert commission.service is not None
        assert behind
        commission.service.stop()
        settings = commission.settings_file.read_text(encoding="utf-8")
        public = f'public_url = "https://localhost:{port}"'
        commission.settings_file.write_text(
            re.sub(r"^public_url = .*$", public, settings, flags=re.MULTILINE), encoding="utf-8"
        )
        commission.restart()
        server = start_nginx(folder, port, plain, int(behind[0]), certificate, key)
        try:
            wait_until(lambda: accepts(port))
            yield Proxied(commission, port, plain, certificate)
        finally:
            server.terminate()
            server.wait(10)


def start_nginx(
    folder: Path, port: int, plain: int, behind: int, certificate: Path, key: Path
) -> subprocess.Popen[bytes]:
    """The shipped file with this machine's ports and paths, in the smallest possible frame."""
    site = (DEPLOY / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("    listen [::]:80;\n", ""),
        ("    http2 on;\n", ""),  # a directive of nginx 1.25; Debian 12 has 1.22
        ("127.0.0.1:8080", f"127.0.0.1:{behind}"),
        ("/etc/dossier/tls/certificate.pem", str(certificate)),
        ("/etc/dossier/tls/key.pem", str(key)),
        ("/var/log/nginx", str(folder)),
    ):
        assert old in site, old
        site = site.replace(old, new)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As this user: the test's folders are closed to nginx's own.
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off; pid {folder}/nginx.pid; worker_processes 1;\n"
        f"error_log {folder}/main.log;\n"
        f"events {{}}\nhttp {{\n{temporary}{site}\n}}\n",
        encoding="utf-8",
    )
    return subprocess.Popen(["nginx", "-e", f"{folder}/main.log", "-c", folder / "nginx.conf"])


def certify_localhost(folder: Path) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.e2e
class TestProxy:
    """The shipped nginx file before a real service."""

    def test_a_deposit_and_its_reading_pass(self, proxied: Proxied) -> None:
        """Deposit of several parts, declaration, pack: through TLS and the proxy's limits."""
        commission = proxied.commission
        content = os.urandom(20_000_000)
        folder = commission.folder("behind", piece=content)
        proxied.does(
            "secretariat",
            *("registrar", "sitting", "--deposit-by", soon(days=2), "--opens", soon(days=9)),
            *("--closes", soon(days=10)),
        )
        listed = proxied.does(DEPOSITOR.key, "sittings", "--json")
        sitting = json.loads(listed)[0]["sitting"]
        words = ("--sitting", sitting, "--kind", "engagement", folder, "--any-type")
        proxied.does(DEPOSITOR.key, "deposit", *words)
        proxied.does("secretariat", "registrar", "agenda", sitting)
        opens = soon(seconds=2)
        proxied.does(
            "secretariat",
            *("registrar", "sitting", "--sitting", sitting, "--convoke", "--opens", opens),
            *("--deposit-by", soon(), "--urgency", "essai (CRPA R133-8)"),
        )
        wait_until(lambda: soon() > opens)
        proxied.does(DOCTOR.key, "declare", sitting, "--yes")
        pack, opened = folder.parent / "pack.tar", folder.parent / "opened"
        proxied.does(DOCTOR.key, "pack", "get", sitting, "--out", pack)
        proxied.does(DOCTOR.key, "pack", "open", pack, "--out", opened)
        [read] = opened.rglob("piece.pdf")
        assert read.read_bytes() == content

    def test_only_tls_1_3(self, proxied: Proxied) -> None:
        """TLS 1.3 is spoken, TLS 1.2 refused."""
        assert proxied.pool().request("GET", f"{proxied.url}/healthz").status == 200
        with pytest.raises(urllib3.exceptions.SSLError):
            proxied.pool(ssl_maximum_version=ssl.TLSVersion.TLSv1_2).request(
                "GET", f"{proxied.url}/healthz"
            )

    def test_browsers_are_told_to_stay(self, proxied: Proxied) -> None:
        """Strict transport security goes with every answer, errors too; nginx hides its version."""
        for path in ("/healthz", "/absent"):
            answer = proxied.pool().request("GET", f"{proxied.url}{path}")
            assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
            assert answer.headers["Server"] == "nginx"

    def test_plain_http_serves_nothing(self, proxied: Proxied) -> None:
        """The plain port only shows the way."""
        answer = urllib3.request(
            "GET", f"http://127.0.0.1:{proxied.plain_port}/healthz", redirect=False
        )
        assert answer.status == 308
        assert answer.headers["Location"].startswith("https://")

    def test_too_much_stops_at_the_door(self, proxied: Proxied) -> None:
        """A body beyond a part's size never reaches the service."""
        answer = proxied.pool().request(
            "POST", f"{proxied.url}/api/v1/login", body=bytes(10_000_000)
        )
        assert answer.status == 413

    def test_only_what_is_the_same_for_all_is_compressed(self, proxied: Proxied) -> None:
        """Scripts travel compressed; pages and answers do not (their sizes must not mix secrets)."""
        asked = {"Accept-Encoding": "gzip"}
        for path, compressed in (
            ("/static/dist/space.js", True),
            ("/static/pages.css", True),
            ("/", False),
            ("/api/v1/openapi.json", False),
        ):
            answer = proxied.pool().request(
                "GET", f"{proxied.url}{path}", headers=asked, decode_content=False
            )
            assert answer.status == 200, path
            assert (answer.headers.get("Content-Encoding") == "gzip") == compressed, path

    def test_the_proxy_writes_no_address_and_no_path(self, proxied: Proxied) -> None:
        """Its log has times, methods, statuses and sizes; nothing of who asked for what."""
        proxied.pool().request("GET", f"{proxied.url}/api/v1/sittings/{'a' * 26}?nom=canari")
        folder = proxied.certificate.parent
        log = folder / "dossier.log"
        wait_until(lambda: log.exists() and log.stat().st_size > 0)
        text = log.read_text()
        assert "GET 4" in text
        for word in ("canari", "sittings", "127.0.0.1"):
            assert word not in text


def soon(**later: int) -> str:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(**later)
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00"


# --- the server's own tree ------------------------------------------------------------------------


@pytest.mark.e2e
def test_the_server_runs_without_what_decrypts(tmp_path: Path) -> None:
    """A tree without ``crypto.edge`` and the clients' code serves, and answers that it is ready."""
    tree = tmp_path / "tree"
    for package in ("audit", "crypto", "exchange", "storage"):
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    with small_commission(tmp_path / "commission") as commission:
        assert commission.service is not None
        commission.service.stop()
        for name in NOT_ON_THE_SERVER:
            shutil.rmtree(tree / name)
        log = tmp_path / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "exchange.cli", "serve"],
                env={
                    **os.environ,
                    "PYTHONPATH": str(tree),
                    "DOSSIER_SETTINGS": str(commission.settings_file),
                },
                cwd=tmp_path,
                stdout=output,
                stderr=output,
            )
        try:
            port = int(commission.url.rsplit(":", 1)[1])
            wait_until(lambda: accepts(port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            ready = urllib3.request("GET", f"{commission.url}/readyz", timeout=10)
            assert ready.status == 200, ready.data
            assert commission.people[DOCTOR.key].tries("sittings").status == 0
        finally:
            process.terminate()
            process.wait(20)
