"""Notices by e-mail, through a real mail server on the loopback: sent once, never lost, told plainly."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from exchange.settings import SettingsError
from exchange.usecases.notices.delivery import FIRST_RETRY, MAX_ATTEMPTS, Delivered, deliver_notices
from exchange.wiring import smtp
from exchange.wiring.smtp import SmtpMailer, smtp_mailer
from tests.support.office import LiveOffice, moment, sitting_with


class Mailbox:
    """What a real SMTP server received, and how it answers."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.received.append(mail)
        return self.answer


class TlsController(Controller):
    """STARTTLS needed before anything else, and a password."""

    def __init__(self, mailbox: Mailbox, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(mailbox, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        def check(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
            good = isinstance(data, LoginPassword) and data.password == b"secret"
            return AuthResult(success=good)

        return SMTP(
            self.handler,
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=check,
        )

    def _trigger_server(self) -> None:
        """The port is the kernel's to choose; the base class would connect to port 0."""
        assert self.server is not None
        with socket.create_connection(self.server.sockets[0].getsockname()) as line:
            line.recv(1)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's TLS, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


class Post:
    """A commission whose member and depositor gave an address, and their mail server."""

    def __init__(self, office: LiveOffice, folder: Path) -> None:
        self.office, self.mailbox = office, Mailbox()
        server, self.client_tls = certificate(folder)
        self.controller = TlsController(self.mailbox, server)
        self.controller.start()
        assert self.controller.server is not None
        self.port = self.controller.server.sockets[0].getsockname()[1]
        self.member = office.join("claire", "cdom", "member")
        office.join("nadia", "altair", "depositor")
        office.run("claire", "contact", "set", "claire@poste.example", "--json").data()
        office.run("nadia", "--lang", "en", "contact", "set", "nadia@poste.example", "--json")

    def mailer(self, **changes: Any) -> SmtpMailer:
        values = {
            "host": "localhost",
            "port": self.port,
            "implicit_tls": False,
            "user": "service",
            "password": "secret",
            "sender": "ne-pas-repondre@echange.example",
            "tls": self.client_tls,
            **changes,
        }
        return SmtpMailer(**values)

    def deliver(self, **changes: Any) -> Delivered:
        service = self.office.live.wired.service
        return deliver_notices(service, self.mailer(**changes), "https://echange.example")

    def subjects(self) -> list[str]:
        return [str(mail["To"]) for mail in self.mailbox.received]


@pytest.fixture
def posted(tmp_path: Path) -> Iterator[Post]:
    office = LiveOffice(tmp_path / "office") if (tmp_path / "office").mkdir() is None else None
    assert office is not None
    made = Post(office, tmp_path)
    yield made
    made.controller.stop()
    office.live.shut()


def test_each_is_told_once(posted: Post) -> None:
    """Over TLS with a password; to those who gave an address; the second run sends nothing."""
    assert posted.deliver() == Delivered(2, 0, 0)
    assert sorted(posted.subjects()) == ["claire@poste.example", "nadia@poste.example"]
    mail = posted.mailbox.received[0]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "ne-pas-repondre@echange.example"
    assert posted.deliver() == Delivered(0, 0, 0)


def test_a_sittings_life(posted: Post) -> None:
    """Convoked with a calendar file, complement asked, opened, closing soon: one message each."""
    office = posted.office
    posted.deliver()
    posted.mailbox.received.clear()
    which = sitting_with(office, posted.member)
    posted.deliver()
    (call,) = posted.mailbox.received
    assert [part.get_content_type() for part in call.iter_attachments()] == ["text/calendar"]
    paper = office.folder / "demande.txt"
    paper.write_text("fiction", encoding="utf-8")
    kind = ("deposit", "--sitting", which, "--kind", "engagement", str(paper), "--json")
    reference = office.run("nadia", *kind).data()["dossier"]
    ask = ("complement", reference, "--piece", "bilan", "--answer-by", moment(office, days=1))
    office.run("secretariat", "registrar", *ask, "--json").data()
    posted.mailbox.received.clear()
    posted.deliver()
    assert posted.subjects() == ["nadia@poste.example"]
    for days in (3, 2):  # the window opens on the third day and ends on the fifth
        office.live.now += timedelta(days=days, hours=-1 if days == 2 else 0)
        posted.mailbox.received.clear()
        posted.deliver()
        assert posted.subjects() == ["claire@poste.example"]
    told = " ".join(str(mail) for mail in posted.mailbox.received)
    assert reference not in told


@pytest.mark.parametrize("away", [True, False])
def test_a_server_that_is_away_is_tried_again(posted: Post, away: bool) -> None:
    """Not reached, or « try later »: nothing is lost, and it waits longer each time."""
    posted.mailbox.answer = "451 later"
    broken = {"port": 1} if away else {}
    assert posted.deliver(**broken) == Delivered(0, 2, 0)
    posted.mailbox.answer = "250 OK"
    assert posted.deliver() == Delivered(0, 0, 0)  # it is not time yet
    posted.office.live.now += FIRST_RETRY
    assert posted.deliver() == Delivered(2, 0, 0)


def test_what_is_refused_is_given_up(posted: Post) -> None:
    """A permanent refusal is counted and not repeated; so is what failed too often."""
    posted.mailbox.answer = "550 no such user"
    assert posted.deliver() == Delivered(0, 0, 2)
    posted.office.live.now += timedelta(days=1)
    assert posted.deliver() == Delivered(0, 0, 0)
    sitting_with(posted.office, posted.member)
    posted.mailbox.answer = "451 later"
    for attempt in range(MAX_ATTEMPTS):
        last = attempt == MAX_ATTEMPTS - 1
        assert posted.deliver() == Delivered(0, 0 if last else 1, 1 if last else 0)
        posted.office.live.now += FIRST_RETRY * 2**attempt


@pytest.mark.parametrize(
    "changes", [{"password": "wrong"}, {"tls": ssl.create_default_context()}, {"host": "127.0.0.1"}]
)
def test_nothing_is_sent_unless_the_server_is_the_one(
    posted: Post, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password, an unknown certificate, or one of another name: no message leaves."""
    # The played server leaves the last way of logging in without an answer.
    monkeypatch.setattr(smtp, "SECONDS", 2.0)
    done = posted.deliver(**changes)
    assert done.sent == 0
    assert posted.mailbox.received == []


def test_an_address_is_ones_own(posted: Post) -> None:
    """Shown to oneself, replaced, taken back; none for the secretariat; nonsense is refused."""
    office = posted.office
    assert office.run("claire", "contact", "show", "--json").data() == {
        "address": "claire@poste.example"
    }
    for wrong in (
        "claire",
        "a b@c.example",
        "a@b",
        "a@b.example\nBcc: x@y.example",
        "x" * 250 + "@b.example",
    ):
        assert office.run("claire", "contact", "set", wrong).status == 1
    assert office.run("secretariat", "contact", "set", "s@poste.example").status == 1
    office.run("claire", "contact", "remove", "--json").data()
    assert office.run("claire", "contact", "show", "--json").data() == {"address": None}
    assert posted.deliver().sent == 1


def test_an_address_ends_with_the_last_device(posted: Post) -> None:
    """Once every certificate of a person is revoked, their address is forgotten."""
    revoke = ("revoke", posted.member, "--reason", "départ")
    posted.office.run("secretariat", "registrar", *revoke, "--json").data()
    posted.deliver()
    assert posted.subjects() == ["nadia@poste.example"]
    with posted.office.live.wired.service.transactions() as work:
        assert [each.address for each in work.contacts.all()] == ["nadia@poste.example"]


def test_without_a_mail_server_it_is_said(posted: Post) -> None:
    """The command names the settings that lack."""
    with pytest.raises(SettingsError, match="smtp_url"):
        smtp_mailer(posted.office.live.settings)
