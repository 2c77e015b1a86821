"""One authenticated connection to the broker's process: TLS 1.3, a pinned authority, both sides.

The authority was made with the broker and signs nothing else: no public certificate, however it was
obtained, is accepted in its place. Plain HTTP does not exist here, on the loopback neither.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3

from exchange.remote_broker.errors import BrokerLinkError
from exchange.usecases.errors import BrokerUnavailableError

CONNECT_SECONDS: Final = 3.0
"""The broker is one network hop away; a person waits for the answer."""

ANSWER_SECONDS: Final = 30.0
"""Longer than the broker waits for its own lock (20 s)."""

POOL_SIZE: Final = 32
"""Connections kept open; one a thread of the service, so that no handshake is paid twice."""

AUTHORITY_FILE: Final = "ca.pem"
CERTIFICATE_FILE: Final = "client.pem"
KEY_FILE: Final = "client.key"


@dataclass(frozen=True)
class LinkAnswer:
    """Status, media type and body."""

    status: int
    media_type: str
    body: bytes


class BrokerLink:
    """Sends requests; every one of the broker's operations may be repeated, so a request whose
    connection broke is sent once more.
    """

    def __init__(self, url: str, tls_directory: Path) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.path not in {"", "/"}:
            raise BrokerLinkError(
                "L'adresse du gardien des clés (broker_url) s'écrit https://HÔTE:PORT : rien ne passe "
                "en clair, même sur une seule machine."
            )
        self._pool = urllib3.HTTPSConnectionPool(
            parts.hostname,
            parts.port or 443,
            maxsize=POOL_SIZE,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
            retries=urllib3.Retry(
                total=1, connect=1, read=1, redirect=0, allowed_methods=None, raise_on_status=False
            ),
            ssl_context=_context(tls_directory),
        )

    def send(self, method: str, path: str, body: bytes = b"", *, limit: int) -> LinkAnswer:
        """The broker's answer; raises BrokerUnavailableError."""
        try:
            response = self._pool.request(
                method,
                path,
                body=body or None,
                headers={"Content-Type": "application/json"},
                preload_content=False,
                redirect=False,
            )
            data = response.read(limit + 1)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(error) from error
        if len(data) > limit:
            raise BrokerUnavailableError("La réponse du gardien des clés est trop longue.")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return LinkAnswer(response.status, kind, data)


def _context(directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the name, and requires a certificate
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(directory / AUTHORITY_FILE)
        context.load_cert_chain(directory / CERTIFICATE_FILE, directory / KEY_FILE)
    except (OSError, ssl.SSLError) as error:
        raise BrokerLinkError(
            "Les certificats du lien avec le gardien des clés ne peuvent pas être lus dans « {path} » : "
            "copiez-y le répertoire « service » fait par « dossier broker init », puis lancez "
            "« dossier broker attach ».",
            path=directory,
        ) from error
    return context


def _unreachable(error: urllib3.exceptions.HTTPError) -> BrokerUnavailableError:
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(reason, urllib3.exceptions.SSLError):
        return BrokerUnavailableError(
            "Ce qui répond à l'adresse du gardien des clés n'a pas le certificat attendu, ou refuse "
            "celui de ce service : vérifiez broker_url et refaites les certificats s'ils ont expiré."
        )
    return BrokerUnavailableError(
        "Le gardien des clés ne répond pas : son exploitant vérifie sa machine, puis recommencez."
    )
