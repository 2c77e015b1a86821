"""The public age vectors (tests/vectors/age), parsed."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from crypto.age.identities import AnyIdentity, Passphrase, parse_identity

FILE = Path(__file__).parents[1] / "vectors" / "age" / "cctv.json"


@dataclass(frozen=True)
class AgeVector:
    name: str
    expect: str
    payload_sha256: str | None
    identities: tuple[AnyIdentity, ...]
    file_key: bytes | None
    armored: bool
    file: bytes


def load_age_vectors() -> tuple[AgeVector, ...]:
    """All vectors, by name."""
    entries = json.loads(FILE.read_text(encoding="ascii"))
    return tuple(_parse(name, base64.b64decode(data)) for name, data in entries.items())


def _parse(name: str, data: bytes) -> AgeVector:
    head, _, body = data.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8").splitlines():
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    known = {
        "expect",
        "payload",
        "identity",
        "passphrase",
        "armored",
        "compressed",
        "file key",
        "comment",
    }
    assert fields.keys() <= known
    if "compressed" in fields:
        body = zlib.decompress(body)
    identities = [parse_identity(text) for text in fields.get("identity", ())]
    passphrases = [Passphrase(text) for text in fields.get("passphrase", ())]
    return AgeVector(
        name=name,
        expect=fields["expect"][0],
        payload_sha256=fields.get("payload", [None])[0],
        identities=(*identities, *passphrases),
        file_key=bytes.fromhex(fields["file key"][0]) if "file key" in fields else None,
        armored="armored" in fields,
        file=body,
    )
