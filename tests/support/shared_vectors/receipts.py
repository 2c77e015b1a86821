"""Receipts of a small log with witnesses, proofs of consistency, and those nobody may believe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audit.entries import leaf_of
from audit.proof import LogProof
from audit.receipts import build_receipt, disclosed_by
from tests.support.log_world import ORIGIN, LogWorld
from tests.support.shared_vectors.encoded import Case, b64

SIZES = (1, 2, 5, 9)
"""Checkpoints of a growing log."""


def build() -> dict[str, list[Case]]:
    world, notes, receipts = LogWorld(), {}, []
    for size in SIZES:
        tickets = world.add(size - world.size())
        world.log.integrate()
        notes[size] = world.log.checkpoint() or b""
        receipts += [world.log.receipt(ticket) for ticket in tickets]
    policy = {
        "origin": ORIGIN,
        "log_keys": [str(world.log_key.verifier)],
        "witness_policy": world.policy_text(),
    }
    return {
        "policies": [policy],
        "verified": [_verified(each) for each in receipts],
        "refused": [
            {"name": name, "receipt": b64(data), "error": error}
            for name, data, error in _refused(receipts[-1], receipts[0])
        ],
        "consistent": [
            {
                "older": notes[old].decode(),
                "newer": notes[new].decode(),
                "proof": [b64(each) for each in world.log.consistency(old, new)],
            }
            for old in SIZES
            for new in SIZES
            if old < new
        ],
    }


def _verified(receipt: bytes) -> Case:
    disclosure = disclosed_by(receipt)
    leaf, details = leaf_of(disclosure, ORIGIN)
    return {
        "receipt": receipt.decode(),
        "index": disclosure.index,
        "details": disclosure.details.decode(),
        "opening": disclosure.opening.hex(),
        "leaf": leaf.decode(),
        "type": details.type.value,
    }


Refused = Iterator[tuple[str, bytes, str]]
"""A receipt's name, its bytes and the kind of error."""


def _refused(good: bytes, earlier: bytes) -> Refused:
    yield from _other_events(good, earlier)
    yield from _other_paths(good)
    yield from _other_checkpoints(good, earlier)
    yield "carriage returns", good.replace(b"\n", b"\r\n"), "format"
    yield "unknown version", good.replace(b"@v1", b"@v2"), "format"
    yield "no checkpoint", good[: good.index(b"\n\n")], "format"
    yield "nothing", b"", "format"


def _other_events(good: bytes, earlier: bytes) -> Refused:
    proof, disclosure = LogProof.parse(good), disclosed_by(good)
    details, note = disclosure.details, proof.note

    def with_details(data: bytes) -> bytes:
        return build_receipt(replace(disclosure, details=data), proof.path, note)

    yield (
        "another event under the same path",
        with_details(disclosed_by(earlier).details.replace(b"unknown_key", b"expired")),
        "verification",
    )
    yield "another time", with_details(details.replace(b"12:00:00Z", b"12:00:01Z")), "verification"
    yield "another day", with_details(details.replace(b"2026-11-24", b"2026-11-25")), "verification"
    yield (
        "another opening",
        build_receipt(replace(disclosure, opening=bytes(32)), proof.path, note),
        "verification",
    )
    yield (
        "opening of 31 bytes",
        build_receipt(replace(disclosure, opening=bytes(31)), proof.path, note),
        "format",
    )


def _other_paths(good: bytes) -> Refused:
    proof = LogProof.parse(good)
    first, *rest = proof.path
    yield "another index", replace(proof, index=proof.index - 1).to_bytes(), "verification"
    yield "index beyond the log", replace(proof, index=9).to_bytes(), "verification"
    yield "a hash altered", replace(proof, path=(bytes(32), *rest)).to_bytes(), "verification"
    yield "a hash less", replace(proof, path=tuple(rest)).to_bytes(), "verification"
    yield "a hash more", replace(proof, path=(*proof.path, first)).to_bytes(), "verification"
    yield "no details", replace(proof, extra=None).to_bytes(), "format"


def _other_checkpoints(good: bytes, earlier: bytes) -> Refused:
    proof = LogProof.parse(good)
    note = proof.note
    lines = note.decode().splitlines(keepends=True)
    log_line, *cosigned = lines[4:]
    head = "".join(lines[:4])

    def with_note(changed: bytes) -> bytes:
        return replace(proof, note=changed).to_bytes()

    yield "checkpoint of an earlier log", with_note(LogProof.parse(earlier).note), "verification"
    yield "the log did not sign", with_note((head + "".join(cosigned)).encode()), "verification"
    yield "no witness cosigned", with_note((head + log_line).encode()), "verification"
    yield (
        "the broker did not cosign",
        with_note(
            (
                head + log_line + "".join(line for line in cosigned if "/broker " not in line)
            ).encode()
        ),
        "verification",
    )
    yield (
        "the broker alone cosigned",
        with_note(
            (head + log_line + "".join(line for line in cosigned if "/broker " in line)).encode()
        ),
        "verification",
    )
    yield "signature altered", with_note(_altered(note)), "verification"
    yield "size altered", with_note(note.replace(b"\n9\n", b"\n8\n")), "verification"
    yield "size with a leading zero", with_note(note.replace(b"\n9\n", b"\n09\n")), "format"
    yield (
        "another origin",
        with_note(note.replace(ORIGIN.encode() + b"\n", b"autre.example/log\n", 1)),
        "verification",
    )


def _altered(note: bytes) -> bytes:
    """One letter of the log's signature changed, in the middle: still canonical base64."""
    at = note.index(b"\xe2\x80\x94 ") + len("— ".encode()) + len(ORIGIN) + 1 + 40
    return note[:at] + (b"A" if note[at : at + 1] != b"A" else b"B") + note[at + 1 :]
