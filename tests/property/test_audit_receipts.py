"""Properties of receipts that hold for every input."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import AuditError
from audit.proof import LogProof
from audit.receipts import disclosed_by, verify_receipt
from tests.support.log_world import LogWorld

WORLD = LogWorld()
WORLD.add(5)
WORLD.log.integrate()
GOOD = WORLD.log.receipt_at(3)
VERIFIED = verify_receipt(GOOD, WORLD.policy)


@given(st.integers(0, 8 * len(GOOD) - 1))
@settings(max_examples=500, deadline=None)
def test_no_flipped_bit_shows_another_event(bit: int) -> None:
    """An altered receipt is refused, or says exactly the same under the same root.

    (A bit in the line of a witness that the quorum can spare makes it the line of a stranger.)
    """
    altered = bytearray(GOOD)
    altered[bit // 8] ^= 1 << bit % 8
    try:
        verified = verify_receipt(bytes(altered), WORLD.policy)
    except AuditError:
        return
    assert (verified.index, verified.details) == (VERIFIED.index, VERIFIED.details)
    assert verified.checkpoint.checkpoint == VERIFIED.checkpoint.checkpoint


@given(st.integers(0, len(GOOD) - 1))
def test_no_beginning_of_a_receipt_shows_another_event(length: int) -> None:
    """A receipt cut anywhere is refused, or lacks only lines that the quorum can spare."""
    try:
        verified = verify_receipt(GOOD[:length], WORLD.policy)
    except AuditError:
        return
    assert verified.details == VERIFIED.details


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
@settings(deadline=None)
def test_what_parses_is_canonical(at: int, piece: bytes) -> None:
    """An edited receipt raises nothing but the log's own errors, or is written back the same."""
    edited = GOOD[:at] + piece + GOOD[at + 1 :]
    try:
        proof = LogProof.parse(edited)
    except AuditError:
        return
    assert proof.to_bytes() == edited
    try:
        disclosed_by(edited)
    except AuditError:
        return
