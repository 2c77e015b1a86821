"""The mail server: one connection a message, encrypted, its certificate verified."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import unquote, urlsplit

from exchange.settings import Settings, SettingsError, read_secret_text
from exchange.usecases.notices.delivery import Outcome
from exchange.usecases.notices.messages import Message

SECONDS: Final = 20.0
"""For each answer of the mail server; a notice can wait for the next run."""

PORTS: Final = {"smtp": 587, "smtps": 465}
"""Submission with STARTTLS (RFC 6409), and over TLS from the first octet (RFC 8314)."""


@dataclass(frozen=True)
class SmtpMailer:
    """Implements ``usecases.notices.delivery.Mailer``."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None
    password: str | None
    sender: str
    tls: ssl.SSLContext

    def send(self, message: Message) -> Outcome:
        """One message; whatever the server or the network does is an outcome."""
        try:
            with self._connected() as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password)
                server.send_message(self._mail(message))
        except smtplib.SMTPRecipientsRefused as error:
            return _by_code(min(code for code, _text in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code)
        except (OSError, smtplib.SMTPException):  # ssl.SSLError and time-outs are OSErrors
            return Outcome.LATER
        return Outcome.SENT

    def _connected(self) -> smtplib.SMTP:
        if self.implicit_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=self.tls)
        server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        try:
            server.starttls(context=self.tls)
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, message.address, message.subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice comes back
        mail.set_content(message.body)
        if message.calendar is not None:
            mail.add_attachment(
                message.calendar,
                maintype="text",
                subtype="calendar",
                filename="reunion.ics",
                params={"method": "PUBLISH", "charset": "utf-8"},
            )
        return mail


def _by_code(code: int) -> Outcome:
    """RFC 5321, section 4.2.1: 4yz is transient, 5yz permanent."""
    return Outcome.REFUSED if 500 <= code < 600 else Outcome.LATER


def smtp_mailer(settings: Settings, tls: ssl.SSLContext | None = None) -> SmtpMailer:
    """The mailer of these settings; raises SettingsError when they name no mail server."""
    if settings.smtp_url is None or settings.smtp_from is None:
        raise SettingsError(
            "Aucun serveur de courrier n'est indiqué : les réglages « smtp_url » et « smtp_from » manquent."
        )
    parts = urlsplit(settings.smtp_url)
    password = (
        read_secret_text(settings.smtp_password_file) if settings.smtp_password_file else None
    )
    return SmtpMailer(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=password,
        sender=settings.smtp_from,
        tls=tls or _verifying(),
    )


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
