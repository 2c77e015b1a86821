"""A server in memory that speaks the API honestly, until a test tells it which lie to tell.

It has a real log and a real broker (``broker_world``). A lie is a function on the JSON (or bytes) of
one route's answer: what a server could send, whatever it likes. Clients under test reach it through
``client.wire.Wire``: no socket, no mock.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.merkle import consistency_proof
from audit.policy import LogPolicy
from audit.tiles import TileHashes, TilePath
from crypto.digests import Digest, sha256
from crypto.encoding import encode_base64, format_instant
from crypto.statements import STATEMENT_TYPES, Unverified, parse, parse_any
from crypto.statements.agenda import AgendaOpening, open_whole
from crypto.statements.custody import Emergency, Recovery, ReleaseKey
from crypto.statements.exchange import AccessRequest, Login, Manifest, Purpose
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Invitation,
    Roster,
    Sitting,
    TrustPolicy,
)
from exchange.client.errors import TransportError
from exchange.client.wire import WireAnswer, WireRequest
from exchange.domain.policy import Permit, decide
from exchange.usecases import facts
from exchange.usecases.agenda_wire import AgendaShown, OpeningSent
from exchange.usecases.authority import verify_statement
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import World
from tests.support.broker_world_log import ORIGIN

URL = "http://127.0.0.1:9"
PART_BYTES = 65_536


class Answer:
    """A :class:`WireAnswer` in memory; ``cut`` ends the body too early."""

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None
    ):
        self.status, self.headers, self._body, self._cut = status, headers, body, cut

    def stream(self) -> Iterator[bytes]:
        if self._cut is not None:
            yield self._body[: self._cut]
            raise TransportError("La connexion s'est interrompue.")
        for at in range(0, len(self._body), 4096):
            yield self._body[at : at + 4096]

    def close(self) -> None:
        pass


class Problem(Exception):
    """Becomes an ``application/problem+json`` answer."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail or code


@dataclass
class Upload:
    """A deposit on its way, then committed."""

    deposit: str
    release_key: Unverified[ReleaseKey]
    certificate: Digest
    parts: dict[int, bytes] = field(default_factory=dict)
    payload: bytes = b""
    envelopes: dict[Digest, bytes] = field(default_factory=dict)


Lie = Callable[[Any], Any]


class HostileServer:
    """The routes of the API over a :class:`World`. ``lies`` maps a route's name to a lie."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory)
        self.lies: dict[str, Lie] = {}
        self.requests: list[WireRequest] = []
        self.uploads: dict[str, Upload] = {}
        self.logins: dict[str, Digest] = {}
        self.released: set[tuple[Digest, str]] = set()
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

    # --- anonymous ------------------------------------------------------------------------

    def attested(self, digest: Digest) -> dict[str, str]:
        item = self.world.attest(digest)
        return {"envelope": item.envelope.decode(), "receipt": item.receipt.decode()}

    def _attested(self, digest: Digest) -> dict[str, str]:
        if digest not in self.world.envelopes or digest not in self.world.attested:
            raise Problem(404, "not-found")
        return self.attested(digest)

    def _trust(self) -> Any:
        policies = self.world.index.find(TrustPolicy)
        return {
            "trust": self.world.trust.model_dump(mode="json"),
            "policies": [self.attested(each.digest) for each in policies],
            "recoveries": [self.attested(each.digest) for each in self.world.index.find(Recovery)],
            "emergencies": [
                self.attested(each.digest) for each in self.world.index.find(Emergency)
            ],
        }

    def _consistency(self, older: int, newer: int) -> bytes:
        hashes = TileHashes(self.world.store.read_tile)
        proof = consistency_proof(older, newer, hashes)
        return b"".join(base64.b64encode(each) + b"\n" for each in proof)

    def _tile(self, path: str) -> bytes:
        if path == "checkpoint":
            return self.world.log.checkpoint() or b""
        tile = TilePath.parse(path)
        width = None if tile.width == 256 else tile.width
        if tile.level is None:
            return self.world.log.entries_tile(tile.number, width)
        return self.world.log.tile(tile.level, tile.number, width)

    def _challenge(self) -> Any:
        return {
            "origin": ORIGIN,
            "nonce": encode_base64(os.urandom(32)),
            "expires_at": format_instant(self.world.now + timedelta(minutes=5)),
        }

    def _login(self, body: Any) -> Any:
        world = self.world
        signed = parse(Login, body["statement"].encode())
        signer = signed.statement.signer
        certificate = world.index.get(signer)
        if certificate is None and signer != world.registrar.verify_key().fingerprint:
            by_key = [
                each
                for each in world.index.find(Certificate)
                if each.statement.signing_key.fingerprint == signer
            ]
            certificate = by_key[-1] if by_key else None
            if certificate is None:
                raise Problem(403, "not-allowed", "Cette clé n'est pas certifiée.")
        held = certificate.statement if certificate else None
        cites = {"login": signed.digest}
        index = world.log_event(EventType.LOGIN_ACCEPTED, cites, {"key": signer})
        cookie = os.urandom(8).hex()
        self.logins[cookie] = certificate.digest if certificate else signer
        answer = {
            "person": held.person if held else None,
            "organisation": held.organisation if held else None,
            "roles": [role.value for role in held.roles] if held else [],
            "certificate": certificate.digest if certificate else None,
            "receipt": world.receipt(index).decode(),
        }
        return answer, cookie

    # --- statements -----------------------------------------------------------------------

    def _enrol(self, ident: str, body: Any) -> Any:
        if not self.world.index.find(Invitation, id=ident):
            raise Problem(404, "not-found", "Invitation inconnue.")
        return self._accept(parse_any(body["statement"].encode()))

    def _accept(self, signed: Unverified[Any], openings: Sequence[AgendaOpening] = ()) -> Any:
        world = self.world
        if isinstance(signed.statement, Agenda):
            world.index.open_items(
                signed.digest, open_whole(signed.statement, ORIGIN, tuple(openings))
            )
        if isinstance(signed.statement, TrustPolicy):
            world.log_policy = LogPolicy.from_trust_policy(signed.statement)
        if signed.digest not in world.envelopes:
            world.post(signed)
        if isinstance(signed.statement, Sitting):
            world.sittings[signed.statement.sitting] = signed
        return {
            "digest": signed.digest,
            "receipt": self.attested(signed.digest)["receipt"],
            "destruction": None,
        }

    def _post(self, body: Any) -> Any:
        signed = parse_any(body["statement"].encode())
        sent = [OpeningSent.model_validate(each) for each in body.get("openings", ())]
        answer = self._accept(signed, [each.shown() for each in sent])
        if signed.statement.TYPE in {"withdrawal", "closing"}:
            destruction = self.world.destroy(signed.digest)
            answer["destruction"] = self.attested(destruction.digest)
        return answer

    def _statements(self, query: dict[str, str]) -> Any:
        kinds = {kind.TYPE: kind for kind in STATEMENT_TYPES.values()}
        kind = kinds[query.pop("type")]
        found = self.world.index.find(kind, **query)
        return {"statements": [self.attested(each.digest) for each in found]}

    def _status(self, query: list[tuple[str, str]]) -> Any:
        values = dict(query)
        includes = [Digest(value) for name, value in query if name == "statement"]
        nonce = base64.b64decode(values["nonce"])
        envelope = self.world.broker.status(nonce, values.get("sitting"), includes)
        return {"status": envelope.decode()}

    def _sittings(self) -> Any:
        latest = [facts.latest_sitting(self.world.index, each) for each in self.world.sittings]
        return {"sittings": [self.attested(each.digest) for each in latest if each]}

    def _sitting(self, sitting: str) -> Any:
        """Everything but enrolments, invitations and what belongs to other sittings."""
        world, shown = self.world, []
        for digest in world.attested:
            statement = world.index.get(digest).statement
            if statement.TYPE in {"invitation", "enrolment", "trust-policy", "access-request"}:
                continue
            if getattr(statement, "sitting", sitting) == sitting:
                shown.append(self.attested(digest))
        agenda = facts.latest_agenda(world.index, sitting)
        opened = [each.shown for each in world.index.opened(agenda.digest)] if agenda else []
        lines = AgendaShown.of(agenda.digest, opened).model_dump(mode="json") if agenda else None
        return {"statements": shown, "agenda": lines}

    # --- deposits -------------------------------------------------------------------------

    def _begin(self, caller: Digest, body: Any) -> Any:
        world = self.world
        deposit, sitting = world.new_id(), Digest(body["sitting_sha256"])
        key = parse(ReleaseKey, world.broker.make_release_key(deposit, sitting))
        cites = {"release_key": key.digest, "certificate": caller, "sitting": sitting}
        world.post(key, EventType.DEPOSIT_BEGUN, cites=cites, facts_={"deposit": deposit})
        self.uploads[deposit] = Upload(deposit, key, caller)
        return {
            "deposit": deposit,
            "release_key": self.attested(key.digest),
            "part_bytes": PART_BYTES,
        }

    def _part(self, request: WireRequest, deposit: str, number: int) -> bytes:
        assert request.body is not None
        digest = encode_base64(hashlib.sha256(request.body).digest())
        assert request.headers["Content-Digest"] == f"sha-256=:{digest}:"
        self.uploads[deposit].parts[number] = request.body
        return b""

    def _commit(self, caller: Digest, deposit: str, body: Any) -> Any:
        world, upload = self.world, self.uploads[deposit]
        manifest = parse(Manifest, body["manifest"].encode())
        verify_statement(_policy(world), world.index, manifest, world.now)
        payload = b"".join(data for _number, data in sorted(upload.parts.items()))
        statement = manifest.statement
        if manifest.digest in world.attested:
            return {"receipt": self.attested(manifest.digest)["receipt"]}
        if (len(payload), sha256(payload)) != (statement.length, statement.sha256):
            raise Problem(409, "object-conflict")
        upload.payload = payload
        self._keep_envelopes(upload, body["envelopes"])
        cites = {
            "manifest": manifest.digest,
            "certificate": caller,
            "release_key": statement.release_key_sha256,
            "sitting": statement.sitting_sha256,
        }
        world.post(manifest, EventType.DEPOSIT_COMMITTED, cites=cites, facts_={"deposit": deposit})
        return {"receipt": self.attested(manifest.digest)["receipt"]}

    def _keep_envelopes(self, upload: Upload, envelopes: list[str]) -> None:
        for each in envelopes:
            data = base64.b64decode(each)
            upload.envelopes[sha256(data)] = data

    def _grant(self, caller: Digest, deposit: str, body: Any) -> Any:
        signed = parse_any(body["grant"].encode())
        verify_statement(_policy(self.world), self.world.index, signed, self.world.now)
        self._keep_envelopes(self.uploads[deposit], body["envelopes"])
        cites = {
            "grant": signed.digest,
            "manifest": signed.statement.manifest,
            "certificate": caller,
        }
        self.world.post(signed, EventType.GRANT_ADDED, cites=cites, facts_={})
        return {"receipt": self.attested(signed.digest)["receipt"]}

    # --- releases -------------------------------------------------------------------------

    def _release(self, caller: Digest, body: Any) -> Any:
        request = parse(AccessRequest, body["request"].encode())
        releases, refusals = [], []
        for deposit in request.statement.deposits:
            found = self._release_one(caller, request, deposit)
            (refusals if "reason" in found else releases).append(found)
        return {"releases": releases, "refusals": refusals}

    def _release_one(
        self, caller: Digest, request: Unverified[AccessRequest], deposit: str
    ) -> dict[str, Any]:
        world, purpose = self.world, request.statement.purpose
        asked = {
            "certificate": caller,
            "sitting": request.statement.sitting,
            "deposit": deposit,
            "purpose": purpose,
        }
        decision = decide(facts.access_facts(world.index, now=world.now, **asked))
        if not isinstance(decision, Permit):
            return self._refuse(caller, request, deposit, decision.reason.value)
        rests_on = facts.cited(world.index, **asked)
        cites = {"access_request": request.digest, **rests_on}
        told = {"deposit": deposit, "purpose": purpose.value}
        index = world.log_event(EventType.RELEASE_AUTHORISED, cites, told)
        header = world.broker.open(
            OpenRequest(
                access_request=request.envelope,
                statements=tuple(world.attest(digest) for digest in rests_on.values()),
                release=world.receipt(index),
                deposit=deposit,
                envelope=self._envelope(caller, deposit, purpose),
                item=world.opening_of(request.statement.sitting, rests_on["manifest"]),
            )
        )
        self.released.add((caller, deposit))
        grant = rests_on.get("grant")
        return {
            "deposit": deposit,
            "manifest": self.attested(rests_on["manifest"]),
            "grant": self.attested(grant) if grant else None,
            "header": encode_base64(header),
            "receipt": world.receipt(index).decode(),
        }

    def _envelope(self, caller: Digest, deposit: str, purpose: Purpose) -> bytes:
        manifest = facts.manifest_of(self.world.index, deposit)
        assert manifest is not None
        sealed = facts.sealed_envelope(self.world.index, manifest, caller, purpose)
        assert sealed is not None
        return self.uploads[deposit].envelopes[sealed.entry.envelope_sha256]

    def _refuse(
        self, caller: Digest, request: Unverified[AccessRequest], deposit: str, reason: str
    ) -> dict[str, Any]:
        index = self.world.log_event(
            EventType.RELEASE_REFUSED,
            {"access_request": request.digest, "certificate": caller},
            {"deposit": deposit, "purpose": request.statement.purpose.value, "reason": reason},
        )
        receipt = self.world.receipt(index).decode()
        return {"deposit": deposit, "reason": reason, "message": reason, "receipt": receipt}

    def _payload(self, caller: Digest, deposit: str, request: WireRequest) -> bytes:
        if (caller, deposit) not in self.released:
            raise Problem(403, "not-released")
        first = int(request.headers.get("Range", "bytes=0-")[6:-1])
        return self.uploads[deposit].payload[first:]

    # --- the auditor's --------------------------------------------------------------------

    def _disclosures(self, caller: Digest) -> bytes:
        world = self.world
        world.log_event(EventType.DISCLOSURE_READ, {"certificate": caller}, {"size": "0"})
        note = world.log.checkpoint()
        assert note is not None
        size = Checkpoint.of_note(note).size
        leaves = world.store.leaves(0, size)
        lines: list[dict[str, Any]] = [{"checkpoint": note.decode()}]
        lines += [
            {
                "index": each.index,
                "leaf": encode_base64(leaves[each.index]),
                "details": encode_base64(each.details),
                "opening": encode_base64(each.opening),
            }
            for each in world.store.disclosures(0, size)
        ]
        lines += [
            {"statement": world.envelopes[digest].decode(), "index": index}
            for digest, index in world.attested.items()
        ]
        return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, {"end": True}])

    def _record(self) -> Any:
        entries, checkpoint = self.world.broker.record()
        return {"entries": entries.decode(), "checkpoint": checkpoint.decode()}


def _policy(world: World) -> Any:
    from crypto.trust import accept_chain

    policies = world.index.find(TrustPolicy)
    envelopes = [parse(TrustPolicy, world.envelopes[each.digest]) for each in policies]
    return accept_chain(world.trust, envelopes)


__all__ = ["URL", "Closing", "HostileServer", "Problem", "Roster", "Upload"]
