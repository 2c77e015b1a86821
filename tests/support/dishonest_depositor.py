"""A depositor who seals by hand: any payload, any header for anybody."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.age.identities import x25519_recipient_of
from crypto.age.wrap import make_header, make_header_for_all
from crypto.digests import sha256
from crypto.edge.seal import commitment, header_for
from crypto.encoding import encode_base64
from crypto.keys import FileKey, X25519Identity
from crypto.statements import parse
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import AccessRequest, EnvelopeEntry, Manifest, Purpose
from tests.support.client_world import Scene
from tests.support.two_faced import KEY_A, PAYLOAD

CLASSIC = X25519Identity(b"c" * 32)
Headers = Mapping[str, bytes]


class Dishonest:
    """A deposit of paul's, made by hand: any payload, any header for anybody."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.desk = scene, scene.desk("paul")
        sitting = scene.server.world.sittings[scene.sitting].digest
        answer = self.desk.api.begin_deposit(scene.sitting, sitting, f"key-{os.urandom(4).hex()}")
        self.release_key = parse(ReleaseKey, answer["release_key"]["envelope"].encode())

    def envelopes(self, headers: Headers) -> tuple[tuple[EnvelopeEntry, ...], list[bytes]]:
        """What is signed and sent for headers, of whatever form they are."""
        entries, envelopes = [], []
        for who, header in headers.items():
            release = self.release_key.statement.recipient
            known = header if len(header) == len(self.header_for("paul", KEY_A)) else bytes(1627)
            envelopes.append(encrypt_to(known, release, os.urandom))
            entries.append(
                EnvelopeEntry(
                    certificate=self.scene.person(who).certificate,
                    purpose=Purpose.GRANT if who == "paul" else Purpose.READ,
                    header_sha256=sha256(header),
                    envelope_sha256=sha256(envelopes[-1]),
                )
            )
        return tuple(entries), envelopes

    def header_for(self, who: str, key: FileKey) -> bytes:
        return header_for(key, self.scene.person(who).identity.recipient, os.urandom)

    def commit(self, headers: Headers, payload: bytes = PAYLOAD, **changes: Any) -> Manifest:
        """Sign and send, put it on the agenda, and let the members declare."""
        scene = self.scene
        honest = scene.server.world.index.find(Manifest)[0].statement
        entries, envelopes = self.envelopes({**headers, "paul": self.header_for("paul", KEY_A)})
        fields = honest.model_dump(exclude={"commission", "id", "issued_at", "signer"})
        fields |= {
            "dossier": "bbbbb-bbbbb",
            "deposit": self.release_key.statement.deposit,
            "release_key_sha256": self.release_key.digest,
            "envelopes": entries,
            "length": len(payload),
            "sha256": sha256(payload),
            "nonce": payload[:16],
            "commitment": commitment(KEY_A, payload[:16]),
            **changes,
        }
        manifest = self.desk.draft(Manifest, **fields)
        deposit = manifest.statement.deposit
        self.desk.api.put_part(deposit, 1, payload)
        self.desk.api.commit_deposit(deposit, manifest.envelope, envelopes, f"commit-{deposit}")
        scene.agenda()
        for who in ("claire", "martin"):
            scene.declare(who)
        return manifest.statement

    def hand_out(self, header: bytes) -> None:
        """Have the server, which is in league with paul, hand this header out for his deposit."""
        server, deposit = self.scene.server, self.release_key.statement.deposit

        def lie(answer: Any) -> Any:
            body = json.loads(server.requests[-1].body or b"")
            reply_key = parse(AccessRequest, body["request"].encode()).statement.reply_key
            sealed = encode_base64(encrypt_to(header, reply_key, os.urandom))
            return {
                **answer,
                "releases": [
                    {**each, "header": sealed} if each["deposit"] == deposit else each
                    for each in answer["releases"]
                ],
            }

        server.lies["release"] = lie


def dead(made: Dishonest) -> bytes:
    return made.header_for("claire", FileKey.generate(os.urandom))


def of_another_recipient(made: Dishonest) -> bytes:
    return made.header_for("martin", KEY_A)


def of_another_deposit(made: Dishonest) -> bytes:
    (first, *_) = made.scene.server.world.index.find(Manifest)
    return made.header_for("claire", key_of(made.scene, first.statement))


def key_of(scene: Scene, manifest: Manifest) -> FileKey:
    """The file key that nadia keeps of a deposit of hers."""
    folder = scene.folder / "people" / "nadia" / "filekeys"
    sealed = (folder / f"{manifest.deposit}.age").read_bytes()
    return FileKey(decrypt_with(sealed, scene.person("nadia").identity.age_identity))


def of_another_sitting(made: Dishonest) -> bytes:
    scene, here = made.scene, made.scene.sitting
    now = scene.server.world.now
    later = scene.open_sitting(
        *("claire", "martin"),
        deposit_by=now + timedelta(days=1),
        opens_at=now + timedelta(days=2),
        closes_at=now + timedelta(days=3),
    )
    scene.dossier("nadia")
    scene.sitting = here
    (manifest, *_) = scene.server.world.index.find(Manifest, sitting=later)
    return made.header_for("claire", key_of(scene, manifest.statement))


def altered(made: Dishonest) -> bytes:
    header = bytearray(made.header_for("claire", KEY_A))
    header[-5] = ord("A") if header[-5] != ord("A") else ord("B")  # another MAC of the same form
    return bytes(header)


def classic(made: Dishonest) -> bytes:
    return make_header(KEY_A, x25519_recipient_of(CLASSIC), os.urandom)


def two_stanzas(made: Dishonest) -> bytes:
    both = [made.scene.person(who).identity.recipient for who in ("claire", "martin")]
    return make_header_for_all(KEY_A, both, os.urandom)
