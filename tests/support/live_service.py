"""The real service behind Flask's test client: SQLite, files, log, broker, and a clock of the test.

A ``World`` whose statements go through the HTTP interface instead of straight into a log. Nothing is
mocked: what a route answers here it answers in production.
"""

from __future__ import annotations

import os
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.policy import LogPolicy
from crypto.digests import Digest, sha256
from crypto.edge.seal import seal_payload
from crypto.encoding import encode_base64
from crypto.keys import PartySigningSeed, VerifyKey
from crypto.statements import Unverified, parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Login, Manifest, Purpose
from crypto.statements.registry import Agenda, Enrolment, Invitation, TrustPolicy
from exchange.settings import load_settings
from exchange.usecases.agenda_wire import OpeningSent
from exchange.wiring.instance import InstancePlan, make_instance
from exchange.wiring.service import WiredService, wire_service
from tests.support.broker_world import Request, World
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_log import ORIGIN
from tests.support.broker_world_registry import Person
from tests.support.engines import addresses

URL = "https://dossiers.example"
API = "/api/v1"


@dataclass
class Answered:
    """A deposit's parts as they go over the wire, before its commit."""

    deposit: str
    key: Unverified[ReleaseKey]
    payload: bytes
    manifest: Unverified[Manifest]
    envelopes: list[bytes]
    headers: dict[Digest, bytes]
    file_key: Any


@dataclass
class LiveService(World):
    """The commission, and the instance in ``directory`` that serves it."""

    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = PartySigningSeed.generate(os.urandom)
        self.registrar = PartySigningSeed.generate(os.urandom)
        self.instance = make_instance(plan_of(self.directory, self.root.verify_key()), os.urandom)
        self.trust = self.instance.trust
        self.settings = load_settings(self.instance.settings_file, {})
        self.wired = self.wire()
        self.app = self.new_app()
        self.sittings = {}

    # --- processes ------------------------------------------------------------------------

    def wire(self) -> WiredService:
        """Another process over the same files."""
        return wire_service(self.settings, clock=lambda: self.now, entropy=os.urandom)

    def new_app(self) -> Flask:
        app = self.wired.application()
        app.config["TESTING"] = False
        app.config["PROPAGATE_EXCEPTIONS"] = False
        return app

    @property
    def log(self) -> Any:  # type: ignore[override]
        return self.wired.log

    def shut(self) -> None:
        self.wired.close()

    # --- HTTP -----------------------------------------------------------------------------

    def anonymous(self) -> FlaskClient:
        return self.app.test_client()

    def client(self, who: Person | None = None) -> FlaskClient:
        """A person's (None: the registrar's) logged-in client; logs in anew when it has ended."""
        name = who.certificate if who else "registrar"
        known = self.clients.get(name)
        if known is None or get(known, f"{API}/receipts/0").status_code == 401:
            known = self.anonymous()
            assert self.log_in(known, who).status_code == 200
            self.clients[name] = known
        return known

    def login_statement(self, client: FlaskClient, who: Person | None, **changes: Any) -> bytes:
        challenge = post(client, f"{API}/login/challenge", {}).json
        assert challenge is not None
        values = {
            "origin": ORIGIN,
            "nonce": b64decode(challenge["nonce"]),
            "expires_at": self.now + timedelta(minutes=1),
            **changes,
        }
        signed = self.by(who, Login, **values) if who else self.by_registrar(Login, **values)
        return signed.envelope

    def log_in(self, client: FlaskClient, who: Person | None, **changes: Any) -> TestResponse:
        envelope = self.login_statement(client, who, **changes)
        return post(client, f"{API}/login", {"statement": envelope.decode()})

    # --- statements -----------------------------------------------------------------------

    def trust_policy(self, version: int = 1, **changes: Any) -> Unverified[TrustPolicy]:
        self.broker_keys = self.instance
        self.log_signer = _Named(self.instance.log_vkey)
        values = {
            "broker_keys": (self.instance.broker_key,),
            "witness_policy": f"witness broker {self.instance.cosigner_vkey}\nquorum broker\n",
            **changes,
        }
        self.broker_keys = _BrokerKeys(self.instance.broker_key, self.instance.cosigner_vkey)
        return super().trust_policy(version, **values)

    def publish_trust(self, version: int = 1, **changes: Any) -> Digest:
        signed = self.trust_policy(version, **changes)
        self.log_policy = LogPolicy.from_trust_policy(signed.statement)
        return self.post(signed)

    def post(self, signed: Unverified[Any], *_kind: Any, **_ignored: Any) -> Digest:
        """Send a statement by the route that takes it, as its signer."""
        response = self.send(signed)
        assert response.status_code == 201, response.text
        self.keep(signed, len(self.attested))
        return signed.digest

    def send(self, signed: Unverified[Any]) -> TestResponse:
        body: dict[str, Any] = {"statement": signed.envelope.decode()}
        statement = signed.statement
        if isinstance(statement, Enrolment):
            found = self.index.get(statement.invitation)
            assert found is not None
            assert isinstance(found.statement, Invitation)
            path = f"{API}/invitations/{found.statement.id}/enrolment"
            return post(self.anonymous(), path, body)
        if isinstance(statement, TrustPolicy) and statement.version == 1:
            return post(self.anonymous(), f"{API}/statements", body)
        if isinstance(statement, Agenda):
            opened = self.index.opened(signed.digest)
            body["openings"] = [
                OpeningSent.of(each.shown).model_dump(mode="json") for each in opened
            ]
        signer = next((p for p in self.people.values() if p.certificate == statement.signer), None)
        return post(self.client(signer), f"{API}/statements", body)

    # --- deposits -------------------------------------------------------------------------

    def begin_by_http(self, who: Person, sitting: str, key: str = "") -> TestResponse:
        body = {"sitting": sitting, "sitting_sha256": self.sittings[sitting].digest}
        return post(self.client(who), f"{API}/deposits", body, key=key or self.new_id())

    def draw_up(
        self, who: Person, sitting: str, *readers: Person, size: int = 300, **changes: Any
    ) -> Answered:
        """Begin a deposit and make everything that its commit needs; nothing is sent yet."""
        begun = self.begin_by_http(who, sitting)
        assert begun.status_code == 201, begun.text
        assert begun.json is not None
        key = parse(ReleaseKey, begun.json["release_key"]["envelope"].encode())
        sink = BytesIO()
        payload = seal_payload(BytesIO(os.urandom(size)), sink, entropy=os.urandom)
        audience = [(reader, Purpose.READ) for reader in readers] + [(who, Purpose.GRANT)]
        made = [self.envelope(key, payload.file_key, each, why) for each, why in audience]
        entries = [entry for entry, _header, _envelope in made]
        values = self.manifest_fields(sitting, key, begun.json["deposit"], payload, entries)
        manifest = self.by(who, Manifest, **{**values, **changes})
        headers = {e.certificate: header for e, header, _envelope in made}
        envelopes = [envelope for _entry, _header, envelope in made]
        return Answered(
            begun.json["deposit"],
            key,
            sink.getvalue(),
            manifest,
            envelopes,
            headers,
            payload.file_key,
        )

    def put(self, who: Person, deposit: str, number: int, data: bytes, **how: Any) -> TestResponse:
        return put(self.client(who), f"{API}/deposits/{deposit}/parts/{number}", data, **how)

    @staticmethod
    def commit_body(drawn: Answered) -> dict[str, Any]:
        """What commits a deposit."""
        return {
            "manifest": drawn.manifest.envelope.decode(),
            "envelopes": [encode_base64(each) for each in drawn.envelopes],
        }

    def commit_by_http(self, who: Person, drawn: Answered) -> TestResponse:
        path = f"{API}/deposits/{drawn.deposit}/commit"
        return post(self.client(who), path, self.commit_body(drawn))

    def deposit(  # type: ignore[override]
        self, who: Person, sitting: str, *readers: Person, size: int = 300
    ) -> Deposit:
        """Begin, send and commit; the deposit as the world knows it."""
        drawn = self.draw_up(who, sitting, *readers, size=size)
        assert self.put(who, drawn.deposit, 1, drawn.payload).status_code == 204
        done = self.commit_by_http(who, drawn)
        assert done.status_code == 201, done.text
        self.keep(drawn.key, len(self.attested))
        self.keep(drawn.manifest, len(self.attested))
        self.payloads[drawn.deposit] = drawn.payload
        return self.deposit_of(drawn, *readers, who)

    @staticmethod
    def deposit_of(drawn: Answered, *sealed_for: Person) -> Deposit:
        """A committed deposit as the world knows it."""
        return Deposit(
            drawn.deposit,
            drawn.manifest.statement.dossier,
            drawn.manifest,
            drawn.key,
            dict(zip((each.certificate for each in sealed_for), drawn.envelopes, strict=True)),
            drawn.headers,
            drawn.file_key,
        )

    payloads: dict[str, bytes] = field(default_factory=dict)

    # --- releases -------------------------------------------------------------------------

    def ask(self, who: Person, request: Request, key: str = "") -> TestResponse:
        body = {"request": request.signed.envelope.decode()}
        return post(self.client(who), f"{API}/releases", body, key=key or self.new_id())

    def read(self, who: Person, deposit: Deposit, range_: str | None = None) -> TestResponse:
        headers = {"Range": range_} if range_ else {}
        return get(self.client(who), f"{API}/deposits/{deposit.deposit}/payload", headers=headers)


@dataclass(frozen=True)
class _BrokerKeys:
    statement_key: VerifyKey
    cosigner_vkey: str


@dataclass(frozen=True)
class _Named:
    verifier: str


def plan_of(directory: Path, *roots: VerifyKey, **changes: Any) -> InstancePlan:
    """An embedded instance: everything below ``directory``."""
    server = directory / "server"
    places = addresses(server)
    values: dict[str, Any] = {
        "directory": server,
        "broker_directory": directory / "broker",
        "preset": "92-2018",
        "roots": roots,
        "threshold": len(roots),
        "database_url": places.database,
        "objects_url": places.objects,
        "origin": ORIGIN,
        "public_url": URL,
        "listen": "127.0.0.1:8080",
        **changes,
    }
    return InstancePlan(**values)


def get(client: FlaskClient, path: str, **how: Any) -> TestResponse:
    return client.get(path, base_url=URL, **how)


def post(client: FlaskClient, path: str, body: Any, *, key: str = "", **how: Any) -> TestResponse:
    headers = {"Origin": URL, **({"Idempotency-Key": key} if key else {}), **how.pop("headers", {})}
    return client.post(path, json=body, base_url=URL, headers=headers, **how)


def put(client: FlaskClient, path: str, data: bytes, **headers: str) -> TestResponse:
    digest = encode_base64(bytes.fromhex(sha256(data)))
    sent = {
        "Origin": URL,
        "Content-Type": "application/octet-stream",
        "Content-Digest": f"sha-256=:{digest}:",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return client.put(path, data=data, base_url=URL, headers=sent)


@dataclass
class LiveScene:
    """A convoked sitting whose window is open, two deposits on its agenda, a member ready to read."""

    live: LiveService
    sitting: str
    deposit: Deposit
    other: Deposit
    member: Person
    depositor: Person


def live_service(directory: Path) -> LiveService:
    """The commission founded: trust, people, roster."""
    live = LiveService(directory)
    live.found()
    return live


def live_scene(directory: Path, days: int = 5) -> LiveScene:
    """The usual situation, in which an honest release succeeds; with fewer days, before it opens."""
    live = live_service(directory)
    claire, odile, nadia, paul = (live.people[n] for n in ("claire", "odile", "nadia", "paul"))
    sitting = live.publish_sitting("claire", "odile")
    deposit = live.deposit(nadia, sitting, claire, size=200_000)
    other = live.deposit(paul, sitting, claire, odile)
    live.publish_agenda(sitting, deposit, other)
    live.advance(days=days)
    live.undertake(claire)
    live.declare(claire, sitting, deposit, other)
    return LiveScene(live, sitting, deposit, other, claire, nadia)
