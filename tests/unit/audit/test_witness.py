"""The witness's decision, case by case of the specification's table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import (
    WitnessConflictError,
    WitnessError,
    WitnessForbiddenError,
    WitnessProofError,
    WitnessUnknownLogError,
)
from audit.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root_of
from audit.note import KeyType, Note, NoteSigner, parse_signatures
from audit.witness import MAX_WITNESS_PROOF, AddCheckpoint, WitnessState, cosign
from tests.support.log_world import ORIGIN, signer

LOG, STRANGER = signer(ORIGIN), signer("stranger.example")
WITNESS = signer("witness.example", KeyType.COSIGNATURE_V1, seed=2)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEAVES = [leaf_hash(bytes([index])) for index in range(20)]


def root(size: int) -> bytes:
    return root_of(LEAVES[:size])


def proof(old: int, new: int) -> tuple[bytes, ...]:
    return consistency_proof(
        old, new, lambda level, index: root_of(LEAVES[index << level : (index + 1) << level])
    )


def note(text: bytes, key: NoteSigner = LOG) -> bytes:
    return Note(text, key.sign(text)).to_bytes()


def head(size: int, root_hash: bytes | None = None) -> bytes:
    return note(Checkpoint(ORIGIN, size, root_hash or root(size)).to_text())


def ask(old: int, path: tuple[bytes, ...], data: bytes, last: WitnessState | None):
    return cosign(old, path, data, [LOG.verifier], last, WITNESS, NOW)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (0, 20), (1, 20), (7, 8), (20, 20)])
def test_a_consistent_head_is_cosigned(old: int, new: int) -> None:
    """200: the line verifies at this time, and the new state is the cosigned head."""
    last = WitnessState(old, root(old)) if old else None
    line, state = ask(old, proof(old, new), head(new), last)
    assert state == WitnessState(new, root(new))
    cosigned = Note.parse(head(new)).with_signatures(parse_signatures(line))
    assert cosigned.verify([WITNESS.verifier]) == {WITNESS.verifier: int(NOW.timestamp())}


STATE = WitnessState(7, root(7))


@pytest.mark.parametrize(
    ("old", "path", "data", "last", "error", "status"),
    [
        (9, (), head(8), STATE, WitnessError, 400),
        (0, (), b"garbage", None, WitnessError, 400),
        (0, (), note(f"{ORIGIN}\n1\nbad\n".encode()), None, WitnessError, 400),
        (0, (), note(head(3)[: head(3).index(b"\n\n") + 1] + b"extension\n"), None, WitnessError, 400),
        (0, (), note(f"{ORIGIN}\n3\n".encode(), STRANGER), None, WitnessForbiddenError, 403),
        (0, (), head(3).replace(b"\n3\n", b"\n4\n"), None, WitnessForbiddenError, 403),
        (0, (), note(Checkpoint("x.example", 1, root(1)).to_text(), LOG), None, WitnessUnknownLogError, 404),
        (0, (), head(8), STATE, WitnessConflictError, 409),
        (6, proof(6, 8), head(8), STATE, WitnessConflictError, 409),
        (8, (), head(8), STATE, WitnessConflictError, 409),
        (3, proof(3, 8), head(8), None, WitnessConflictError, 409),
        (7, (), head(8), STATE, WitnessProofError, 422),
        (7, proof(6, 8), head(8), STATE, WitnessProofError, 422),
        (7, proof(7, 8)[::-1], head(8), STATE, WitnessProofError, 422),
        (7, proof(7, 8), head(8, bytes(32)), STATE, WitnessProofError, 422),
        (7, (), head(7, bytes(32)), STATE, WitnessProofError, 422),
        (7, (bytes(32),), head(7), STATE, WitnessProofError, 422),
        (0, (bytes(32),), head(8), None, WitnessProofError, 422),
        (0, (), note(f"{ORIGIN}\n0\n{'A' * 43}=\n".encode()), None, WitnessProofError, 422),
    ],
)  # fmt: skip
def test_what_is_refused_and_how(old, path, data, last, error, status) -> None:
    """Each refusal of the specification's table has its own error and HTTP status."""
    with pytest.raises(WitnessError) as caught:
        ask(old, path, data, last)
    assert type(caught.value) is error
    assert status == caught.value.STATUS


def test_a_conflict_names_the_size_last_cosigned() -> None:
    """409 carries the size from which the log must prove."""
    with pytest.raises(WitnessConflictError) as caught:
        ask(0, (), head(8), STATE)
    assert caught.value.size == 7


def test_a_fork_is_never_cosigned() -> None:
    """Once a head is cosigned, no head of another history is, whatever old size it claims."""
    _, state = ask(0, (), head(7), None)
    forged = [*LEAVES[:3], leaf_hash(b"forged"), *LEAVES[4:]]

    def read(level: int, index: int) -> bytes:
        return root_of(forged[index << level : (index + 1) << level])

    for size in (7, 8, 20):
        for old in range(size + 1):
            with pytest.raises(WitnessError):
                ask(
                    old,
                    consistency_proof(old, size, read),
                    head(size, root_of(forged[:size])),
                    state,
                )


def test_the_request_body_comes_back_as_it_was() -> None:
    """Writing and parsing ``add-checkpoint`` bodies are inverse."""
    request = AddCheckpoint(7, proof(7, 20), head(20))
    assert AddCheckpoint.parse(request.to_bytes()) == request
    assert request.to_bytes().startswith(b"old 7\n")
    empty = AddCheckpoint(0, (), head(0, EMPTY_ROOT))
    assert AddCheckpoint.parse(empty.to_bytes()) == empty


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 7",
        b"old 07\n\n" + head(8),
        b"old -7\n\n" + head(8),
        b"7\n\n" + head(8),
        b"old 7\nAAAA\n\n" + head(8),
        b"old 7\n!\n\n" + head(8),
        b"old 7\r\n\n" + head(8),
        b"old 7\n" + (b"A" * 43 + b"=\n") * (MAX_WITNESS_PROOF + 1) + b"\n" + head(8),
    ],
)
def test_malformed_request_bodies_are_refused(body: bytes) -> None:
    """400 for every body that is not of the specified form."""
    with pytest.raises(WitnessError) as caught:
        AddCheckpoint.parse(body)
    assert caught.value.STATUS == 400
