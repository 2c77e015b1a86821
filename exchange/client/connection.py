"""A conversation with one server: cookie, Origin, JSON, problems, retries of what is idempotent."""

from __future__ import annotations

import http.cookies
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from exchange.client.errors import ServerRefusedError, TransportError
from exchange.client.wire import Wire, WireAnswer, WireRequest

MAX_ANSWER_BYTES: Final = 64 * 1_048_576
"""All statements of a sitting with their receipts take a few MiB; more is not an answer of ours."""

ATTEMPTS: Final = 4
"""One try and three more: about eight seconds, the time of a worker's restart."""

PAUSES: Final = (0.5, 2.0, 5.0)
"""Seconds before the second, third and fourth attempt."""

RETRY_STATUS: Final = frozenset({429, 502, 503, 504})
"""A proxy without its server, or a server that asks to come back."""

PROBLEM_PREFIX: Final = "urn:dossier-exchange:problem:"

Query = Sequence[tuple[str, str]]


class Connection:
    """JSON requests to one server, under one login. Keeps the cookie in memory only. Several threads
    may use it at once.
    """

    def __init__(
        self, wire: Wire, url: str, *, language: str, pause: Callable[[float], None]
    ) -> None:
        self._wire = wire
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._language = language
        self._pause = pause
        self._cookies: dict[str, str] = {}

    def get(self, path: str, query: Query = ()) -> Any:
        """The JSON answer of a GET."""
        return _json(self.get_bytes(path, query))

    def get_bytes(self, path: str, query: Query = (), *, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole body of a GET, at most ``limit`` bytes."""
        answer = self._send(WireRequest("GET", _target(path, query)), repeatable=True)
        return _whole(answer, limit)

    def stream(self, path: str, *, first: int = 0) -> Iterator[bytes]:
        """The body of a GET in pieces, from byte ``first`` on (``Range``)."""
        headers = {"Range": f"bytes={first}-"} if first else {}
        answer = self._send(WireRequest("GET", _target(path), headers), repeatable=True)
        if first and answer.status != 206:
            answer.close()
            raise TransportError(
                "Le service ne sait pas reprendre un téléchargement : recommencez depuis le début."
            )
        return answer.stream()

    def post(self, path: str, body: Mapping[str, object], *, key: str | None = None) -> Any:
        """POST JSON; with an idempotency ``key`` it may be sent again after a broken connection."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = json.dumps(body, separators=(",", ":")).encode()
        answer = self._send(WireRequest("POST", _target(path), headers, data), repeatable=bool(key))
        whole = _whole(answer, MAX_ANSWER_BYTES)
        return _json(whole) if whole else None

    def put(self, path: str, data: bytes, headers: Mapping[str, str]) -> None:
        """PUT octets. A PUT of the same part twice is the same as once."""
        answer = self._send(WireRequest("PUT", _target(path), dict(headers), data), repeatable=True)
        _whole(answer, MAX_ANSWER_BYTES)

    def _send(self, request: WireRequest, *, repeatable: bool) -> WireAnswer:
        attempts = ATTEMPTS if repeatable else 1
        for attempt in range(attempts):
            last = attempt == attempts - 1
            try:
                answer = self._wire.send(self._dressed(request))
            except TransportError:
                if last:
                    raise
            else:
                self._keep_cookies(answer)
                if answer.status < 300:
                    return answer
                if last or answer.status not in RETRY_STATUS:
                    raise _refusal(answer)
                answer.close()
            self._pause(PAUSES[attempt])
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _dressed(self, request: WireRequest) -> WireRequest:
        headers = {
            "Accept-Language": self._language,
            "User-Agent": "dossier-exchange",
            "Origin": self._origin,
            **request.headers,
        }
        cookies = self._cookies
        if cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in sorted(cookies.items()))
        return WireRequest(request.method, request.target, headers, request.body)

    def _keep_cookies(self, answer: WireAnswer) -> None:
        header = answer.headers.get("set-cookie")
        if header is None:
            return
        try:
            jar = http.cookies.SimpleCookie(header)
        except http.cookies.CookieError:
            return
        # A new mapping each time: other threads may be reading the old one.
        fresh = {name: morsel.value for name, morsel in jar.items() if morsel.value}
        self._cookies = {**self._cookies, **fresh}


def _target(path: str, query: Query = ()) -> str:
    encoded = "/".join(quote(step, safe="") for step in path.split("/"))
    return f"{encoded}?{urlencode(query)}" if query else encoded


def _whole(answer: WireAnswer, limit: int) -> bytes:
    pieces = bytearray()
    for piece in answer.stream():
        pieces += piece
        if len(pieces) > limit:
            answer.close()
            raise TransportError(
                "La réponse du service dépasse {limit} octets : ce n'est pas une réponse attendue.",
                limit=limit,
            )
    return bytes(pieces)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TransportError(
            "Ce qui répond à cette adresse n'est pas un service d'échange de dossiers (réponse "
            "illisible) : vérifiez l'adresse."
        ) from error


def _refusal(answer: WireAnswer) -> ServerRefusedError | TransportError:
    """A refusal with the server's own explanation; without one, it is no server of ours."""
    status = answer.status
    problem: object = None
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        try:
            problem = json.loads(_whole(answer, MAX_ANSWER_BYTES))
        except (ValueError, RecursionError):
            problem = None
    answer.close()
    if not isinstance(problem, dict):
        return TransportError(
            "Ce qui répond à cette adresse n'est pas un service d'échange de dossiers (réponse HTTP "
            "{status} sans explication) : vérifiez l'adresse, ou réessayez plus tard.",
            status=status,
        )
    code = str(problem.get("code") or str(problem.get("type", "")).removeprefix(PROBLEM_PREFIX))
    detail = str(problem.get("detail") or problem.get("title") or code)
    if status >= 500:
        return TransportError(
            "Le service ne peut pas répondre pour l'instant : {detail}", detail=detail
        )
    return ServerRefusedError(
        "Le service a refusé : {detail}", code=code, status=status, detail=detail
    )
