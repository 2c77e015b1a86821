"""Receipts: a client believes exactly those that hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.errors import LogFormatError, LogVerificationError
from audit.proof import MAX_EXTRA_BYTES, LogProof
from audit.receipts import VerifiedReceipt, build_receipt, disclosed_by, verify_receipt
from tests.support.log_world import LogWorld

SPEC_SHAPE = (
    "c2sp.org/tlog-proof@v1\n"
    "extra ZXh0cmE=\n"
    "index 73894\n"
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
    "\n"
    "example.com/fancylog\n"
    "109482\n"
    "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
    "\n"
    "— example.com/fancylog hI2DJwA=\n"
).encode()


@pytest.fixture
def world() -> LogWorld:
    world = LogWorld()
    world.add(5)
    world.log.integrate()
    return world


def test_the_layout_is_that_of_the_specification() -> None:
    """A proof laid out as tlog-proof.md shows it is read, and written back the same."""
    parsed = LogProof.parse(SPEC_SHAPE)
    assert (parsed.index, len(parsed.path), parsed.extra) == (73894, 2, b"extra")
    assert parsed.note.startswith(b"example.com/fancylog\n")
    assert parsed.to_bytes() == SPEC_SHAPE
    without = replace(parsed, extra=None)
    assert LogProof.parse(without.to_bytes()) == without


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"@v1", b"@v2"),
        lambda data: data.replace(b"index 73894", b"index 073894"),
        lambda data: data.replace(b"index 73894\n", b""),
        lambda data: data.replace(b"index 73894", b"index -1"),
        lambda data: data.replace(b"extra ZXh0cmE=", b"extra ZXh0cmF="),
        lambda data: data.replace(b"extra ZXh0cmE=", b"extra  ZXh0cmE="),
        lambda data: data.replace(b"gSKy", b""),
        lambda data: data.replace(b"PlQ=\n", b"PlR=\n"),
        lambda data: data.replace(b"PlQ=\n", b"PlQ=\r\n"),
        lambda data: data.replace(b"tlog", "tlög".encode()),
        lambda data: data[: data.index(b"\n\n")],
        lambda data: data[: data.index("—".encode())],
        lambda data: data.replace(b"gSKy", b"AAAA\ngSKy"),
        lambda data: data.replace(b"index", b"A" * 43 + b"=\nindex"),
        lambda data: data.replace(b"ZXh0cmE=", b"AAAA" * MAX_EXTRA_BYTES),
        lambda data: data.replace(b"\ngSKy", b"\n" + (b"A" * 43 + b"=\n") * 65 + b"gSKy"),
        lambda data: data + b"x" * 1_000_000,
        lambda _data: b"",
        lambda _data: b"c2sp.org/tlog-proof@v1\n\nx\n\ny\n",
    ],
)
def test_malformed_proofs_are_refused(spoil) -> None:
    """Every departure from the one form of a proof is a format error."""
    with pytest.raises(LogFormatError):
        LogProof.parse(spoil(SPEC_SHAPE))


def test_each_receipt_verifies_and_says_its_event(world: LogWorld) -> None:
    """Every entry's receipt verifies under the policy and gives index, details and checkpoint."""
    for index in range(5):
        verified = verify_receipt(world.log.receipt_at(index), world.policy)
        assert verified.index == index
        assert verified.details.facts == {"reason": "unknown_key"}
        assert verified.checkpoint.checkpoint.size == 5
        assert set(verified.checkpoint.cosigned) == {"broker", "prefecture", "academie"}


def test_a_receipt_is_for_its_own_entry(world: LogWorld) -> None:
    """Path, details or checkpoint of another entry, or another index, do not verify together."""
    first, second = (LogProof.parse(world.log.receipt_at(index)) for index in (0, 1))
    for forged in (
        replace(first, index=1),
        replace(first, path=second.path),
        replace(first, extra=second.extra),
        replace(first, path=first.path[:-1]),
        replace(first, index=7),
    ):
        with pytest.raises(LogVerificationError):
            verify_receipt(forged.to_bytes(), world.policy)


def test_a_receipt_needs_the_quorum(world: LogWorld) -> None:
    """The same inclusion under a checkpoint without its witnesses is refused."""
    proof = LogProof.parse(world.log.receipt_at(2))
    kept = proof.note.decode().split("\n")
    without_broker = "\n".join(line for line in kept if "/broker " not in line).encode()
    alone = "\n".join(
        line for line in kept if not line.endswith("=") or "— " not in line or "/log " in line
    ).encode()
    for note in (without_broker, alone):
        with pytest.raises(LogVerificationError):
            verify_receipt(replace(proof, note=note).to_bytes(), world.policy)


@pytest.mark.parametrize(
    "extra",
    [
        None,
        b"",
        b"{}",
        b'{"details":"","opening":""}',
        b'{"details":"e30=","opening":"AAAA"}',
        b'{"details":"!","opening":"!"}',
        b'{"details":1,"opening":2}',
        b'{"details":"","opening":"","more":""}',
    ],
)
def test_a_receipt_without_its_disclosure_is_refused(world: LogWorld, extra: bytes | None) -> None:
    """Details and opening must be there and well formed: a bare inclusion says nothing to a client."""
    proof = replace(LogProof.parse(world.log.receipt_at(2)), extra=extra)
    with pytest.raises(LogFormatError):
        verify_receipt(proof.to_bytes(), world.policy)


def test_a_receipt_is_built_from_what_it_shows(world: LogWorld) -> None:
    """Taking a receipt apart and building it again gives the same bytes."""
    data = world.log.receipt_at(3)
    proof = LogProof.parse(data)
    assert build_receipt(disclosed_by(data), proof.path, proof.note) == data


def test_a_verified_receipt_is_made_by_its_verifier_only(world: LogWorld) -> None:
    """Nobody else can construct the type that means "this was verified"."""
    good = verify_receipt(world.log.receipt_at(0), world.policy)
    with pytest.raises(TypeError):
        VerifiedReceipt(good.index, good.details, good.checkpoint, object())
