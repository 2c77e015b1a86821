"""The server in memory's deposits and releases, and what it shows its auditor."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.checkpoint import Checkpoint
from audit.events import EventType
from crypto.digests import Digest, sha256
from crypto.encoding import encode_base64
from crypto.statements import Unverified, parse, parse_any
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import AccessRequest, Manifest, Purpose
from crypto.statements.registry import TrustPolicy
from exchange.client.wire import WireRequest
from exchange.domain.policy import Permit, decide
from exchange.usecases import facts
from exchange.usecases.authority import verify_statement
from exchange.usecases.ports import OpenRequest
from tests.support.broker_world import World
from tests.support.hostile_answers import Problem
from tests.support.hostile_server_statements import StatementRoutes
from tests.support.openings import open_one

PART_BYTES = 65_536


@dataclass
class Upload:
    """A deposit on its way, then committed."""

    deposit: str
    release_key: Unverified[ReleaseKey]
    certificate: Digest
    parts: dict[int, bytes] = field(default_factory=dict)
    payload: bytes = b""
    envelopes: dict[Digest, bytes] = field(default_factory=dict)


class CustodyRoutes(StatementRoutes):
    """The routes of what the service keeps, over a :class:`World`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.uploads: dict[str, Upload] = {}
        self.released: set[tuple[Digest, str]] = set()

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
        header = open_one(
            world.broker,
            OpenRequest(
                access_request=request.envelope,
                statements=tuple(world.attest(digest) for digest in rests_on.values()),
                release=world.receipt(index),
                deposit=deposit,
                envelope=self._envelope(caller, deposit, purpose),
                item=world.opening_of(request.statement.sitting, rests_on["manifest"]),
            ),
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
