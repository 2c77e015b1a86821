"""What the server in memory tells of trust, the log and statements, and whom it lets in."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit.events import EventType
from audit.merkle import consistency_proof
from audit.policy import LogPolicy
from audit.tiles import TileHashes, TilePath
from crypto.digests import Digest
from crypto.encoding import encode_base64, format_instant
from crypto.statements import STATEMENT_TYPES, Unverified, parse, parse_any
from crypto.statements.agenda import AgendaOpening, open_whole
from crypto.statements.custody import Emergency, Recovery
from crypto.statements.exchange import Login
from crypto.statements.registry import Agenda, Certificate, Invitation, Sitting, TrustPolicy
from exchange.usecases import facts
from exchange.usecases.agenda_wire import AgendaShown, OpeningSent
from tests.support.broker_world import World
from tests.support.broker_world_log import ORIGIN
from tests.support.hostile_answers import Problem


class StatementRoutes:
    """The routes of statements over a :class:`World`."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory)
        self.logins: dict[str, Digest] = {}

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
