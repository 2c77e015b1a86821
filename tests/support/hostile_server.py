"""A server in memory that speaks the API honestly, until a test tells it which lie to tell.

It has a real log and a real broker (``broker_world``). A lie is a function on the JSON (or bytes) of
one route's answer: what a server could send, whatever it likes. Clients under test reach it through
``client.wire.Wire``: no socket, no mock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from crypto.digests import Digest
from exchange.client.errors import TransportError
from exchange.client.wire import WireAnswer, WireRequest
from tests.support.hostile_answers import Answer, Problem
from tests.support.hostile_server_custody import CustodyRoutes

URL = "http://127.0.0.1:9"

Lie = Callable[[Any], Any]


class HostileServer(CustodyRoutes):
    """The routes of the API over a :class:`World`. ``lies`` maps a route's name to a lie."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.lies: dict[str, Lie] = {}
        self.requests: list[WireRequest] = []
        self.down: set[str] = set()
        """Routes that break off without an answer."""
        self.cut: int | None = None
        """Bytes after which the next payload breaks off, once."""
        self.idempotent: dict[str, Any] = {}

    # --- the wire -------------------------------------------------------------------------

    def send(self, request: WireRequest) -> WireAnswer:
        self.requests.append(request)
        parts = urlsplit(request.target)
        query = parse_qsl(parts.query)
        steps = [unquote(step) for step in parts.path.split("/")[1:]]
        steps = steps[2:] if steps[:2] == ["api", "v1"] else steps
        try:
            if request.method != "GET" and "Origin" not in request.headers:
                raise Problem(403, "origin-missing")
            name, make = self._route(request, steps, query)
            if name in self.down:
                raise TransportError("Le service ne répond pas.")
            return self._answer(name, make())
        except Problem as problem:
            body = json.dumps(
                {
                    "type": f"urn:dossier-exchange:problem:{problem.code}",
                    "code": problem.code,
                    "detail": problem.detail,
                    "status": problem.status,
                }
            ).encode()
            return Answer(problem.status, {"content-type": "application/problem+json"}, body)

    def _answer(self, name: str, value: Any) -> WireAnswer:
        headers = {"content-type": "application/json"}
        if isinstance(value, tuple):
            value, cookie = value
            headers["set-cookie"] = f"dossier={cookie}; Path=/; HttpOnly"
        if name in self.lies:
            value = self.lies[name](value)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        cut, status = None, 200
        if name == "payload":
            cut, self.cut = self.cut, None
            status = 206
        return Answer(status, headers, body, cut)

    def _route(
        self, request: WireRequest, steps: list[str], query: list[tuple[str, str]]
    ) -> tuple[str, Callable[[], Any]]:
        body = json.loads(request.body) if request.method == "POST" else {}
        match request.method, *steps:
            case "GET", "trust":
                return "trust", self._trust
            case "GET", "log", "consistency":
                ends = dict(query)
                return "consistency", lambda: self._consistency(int(ends["from"]), int(ends["to"]))
            case "GET", "log", *rest:
                return "tile", lambda: self._tile("/".join(rest))
            case "POST", "login", "challenge":
                return "challenge", self._challenge
            case "POST", "login":
                return "login", lambda: self._login(body)
            case "POST", "invitations", ident, "enrolment":
                return "enrolment", lambda: self._enrol(ident, body)
            case "POST", "statements":
                return "post", lambda: self._post(body)
            case "GET", "statements", digest:
                return "statement", lambda: self._attested(Digest(digest))
            case "GET", "statements":
                return "statements", lambda: self._statements(dict(query))
            case "GET", "status":
                return "status", lambda: self._status(query)
            case "GET", "sittings":
                return "sittings", self._sittings
            case "GET", "sittings", sitting:
                return "sitting", lambda: self._sitting(sitting)
        return self._custody_route(request, steps, body, self._caller(request))

    def _custody_route(
        self, request: WireRequest, steps: list[str], body: Any, caller: Digest
    ) -> tuple[str, Callable[[], Any]]:
        key = request.headers.get("Idempotency-Key", "")
        match request.method, *steps:
            case "POST", "deposits":
                return "begin", lambda: self._once(key, lambda: self._begin(caller, body))
            case "PUT", "deposits", deposit, "parts", number:
                return "part", lambda: self._part(request, deposit, int(number))
            case "POST", "deposits", deposit, "commit":
                return "commit", lambda: self._commit(caller, deposit, body)
            case "POST", "deposits", deposit, "envelopes":
                return "grant", lambda: self._grant(caller, deposit, body)
            case "POST", "releases":
                return "release", lambda: self._release(caller, body)
            case "GET", "deposits", deposit, "payload":
                return "payload", lambda: self._payload(caller, deposit, request)
            case "GET", "disclosures":
                return "disclosures", lambda: self._disclosures(caller)
            case "GET", "broker", "record":
                return "record", self._record
        raise Problem(404, "not-found")

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.idempotent:
            self.idempotent[key] = make()
        return self.idempotent[key]

    def _caller(self, request: WireRequest) -> Digest:
        cookie = request.headers.get("Cookie", "").removeprefix("dossier=")
        if cookie not in self.logins:
            raise Problem(401, "login-required", "Connectez-vous.")
        return self.logins[cookie]
