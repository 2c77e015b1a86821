"""HTTP by urllib3: timeouts, TLS, and no exception of the library past this file."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import urllib3
import urllib3.exceptions

from exchange.client.errors import TransportError
from exchange.client.wire import WireAnswer, WireRequest

CONNECT_SECONDS: Final = 10.0
"""A server that does not accept a connection in ten seconds is down for the person waiting."""

READ_SECONDS: Final = 120.0
"""Between two pieces of an answer; publishing a checkpoint waits for witnesses, seconds each."""

KEPT_CONNECTIONS: Final = 8
"""Kept alive to the one server: as many as parts and dossiers are sent or fetched at once, and some."""

PIECE_BYTES: Final = 1_048_576
"""Bodies are read in pieces of 1 MiB: memory stays flat whatever the dossier's size."""


def parse_server_url(url: str) -> str:
    """The server's address without a final slash; raises TransportError.

    Plain HTTP is accepted for this machine alone: a login cookie must not cross a network in clear.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise TransportError(
            "« {url} » n'est pas l'adresse d'un service : elle s'écrit « https://dossiers.exemple ».",
            url=url,
        )
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise TransportError(
            "Le service « {url} » serait joint sans chiffrement : demandez son adresse en https "
            "(http n'est accepté que pour cette machine).",
            url=url,
        )
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpAnswer:
    """A :class:`WireAnswer` over a urllib3 response."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, names in lower case."""
        return {name.lower(): value for name, value in self._response.headers.items()}

    def stream(self) -> Iterator[bytes]:
        """The body in pieces of at most 1 MiB."""
        try:
            yield from self._response.stream(PIECE_BYTES, decode_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise _broken_off() from error
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._response.release_conn()


class HttpWire:
    """One server over HTTP(S), with kept-alive connections."""

    def __init__(self, url: str) -> None:
        self._base = parse_server_url(url)
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            # Retries are decided above, where it is known what may be sent twice; a redirect
            # would carry the cookie and the Origin to another place.
            retries=False,
            maxsize=KEPT_CONNECTIONS,
        )

    def send(self, request: WireRequest) -> WireAnswer:
        """Send and wait for status and headers; raises TransportError."""
        try:
            response = self._pool.request(
                request.method,
                self._base + request.target,
                body=request.body,
                headers=dict(request.headers),
                preload_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise TransportError(
                "Le service {server} ne répond pas ({reason}) : vérifiez la connexion et l'adresse, "
                "puis recommencez ; rien n'a été perdu.",
                server=self._base,
                reason=_reason(error),
            ) from error
        return HttpAnswer(response)


def _broken_off() -> TransportError:
    return TransportError(
        "La réponse du service s'est interrompue avant sa fin : recommencez, la commande reprend "
        "là où elle peut."
    )


def _reason(error: urllib3.exceptions.HTTPError) -> TransportError:
    """Why, as an error of its own: it is then told in the reader's language."""
    if isinstance(error, urllib3.exceptions.SSLError):
        return TransportError("certificat TLS refusé")
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return TransportError("nom inconnu")
    # Before TimeoutError: urllib3 counts a refused connection among the time-outs.
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return TransportError("connexion impossible")
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return TransportError("délai dépassé")
    return TransportError("connexion impossible")
