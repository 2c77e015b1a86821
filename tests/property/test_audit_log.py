"""Random growth, random mutations: what was published stays provable, and nothing else passes."""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, LogUnavailableError
from audit.merkle import EMPTY_ROOT, leaf_hash, root_of, verify_consistency
from audit.note import Note, NoteVerifier
from audit.policy import WitnessPolicy
from audit.proof import LogProof
from audit.receipts import verify_receipt
from audit.tiles import TilePath, encode_bundle, parse_bundle
from audit.verify import verify_log
from audit.witness import AddCheckpoint
from tests.support.log_world import LogWorld, files_of, reader_of

STRICT = """quorum all-of"""


@functools.cache
def world() -> LogWorld:
    """A log of 300 events whose policy needs all three witnesses: every byte of a note counts."""
    names = ("broker", "prefecture", "academie")
    keys = LogWorld().witnesses
    lines = [f"witness {name} {keys[name].key.verifier}" for name in names]
    text = "\n".join([*lines, f"group all-of all {' '.join(names)}", STRICT, ""])
    made = LogWorld(policy_text=text)
    made.add(300)
    made.log.integrate()
    return made


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with one byte changed, dropped, added, or the rest cut off."""
    at = draw(st.integers(0, len(data) - 1))
    kind = draw(st.sampled_from(["change", "drop", "add", "cut"]))
    if kind == "change":
        return data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
    if kind == "drop":
        return data[:at] + data[at + 1 :]
    if kind == "add":
        return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at:]
    return data[:at]


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.integers(0, 299))
def test_no_mutation_of_a_receipt_is_accepted(data: st.DataObject, index: int) -> None:
    """One byte more, less or other anywhere in a receipt, and it is refused, by an AuditError."""
    receipt = world().log.receipt_at(index)
    forged = data.draw(mutated(receipt))
    if forged == receipt:
        return  # a byte added or dropped in a run of equal ones
    with pytest.raises(AuditError):
        verify_receipt(forged, world().policy)


@settings(max_examples=600)
@given(st.data())
def test_no_mutation_of_a_checkpoint_is_accepted(data: st.DataObject) -> None:
    """One byte more, less or other anywhere in a cosigned checkpoint, and it is refused."""
    note = world().log.checkpoint()
    assert note is not None
    forged = data.draw(mutated(note))
    if forged == note:
        return
    with pytest.raises(AuditError):
        world().policy.verify_checkpoint(forged)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mutation_of_a_log_passes_its_audit(data: st.DataObject) -> None:
    """One byte more, less or other in any file of a log, and the audit has a finding."""
    files = files_of(world().log)
    path = data.draw(st.sampled_from(sorted(files)))
    forged = data.draw(mutated(files[path]))
    if forged == files[path]:
        return
    assert not verify_log(reader_of(files | {path: forged}), world().policy).ok


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_parsers_answer_garbage_with_errors_of_this_package(data: bytes) -> None:
    """Whatever the bytes, a parser returns a value that writes back the same, or an AuditError."""
    text = data.decode("utf-8", errors="replace")
    for parse, write in (
        (lambda: Note.parse(data), lambda parsed: parsed.to_bytes() == data),
        (lambda: Checkpoint.parse(data), lambda parsed: parsed.to_text() == data),
        (lambda: LogProof.parse(data), lambda parsed: parsed.to_bytes() == data),
        (lambda: AddCheckpoint.parse(data), lambda parsed: parsed.to_bytes() == data),
        (lambda: NoteVerifier.parse(text), lambda parsed: str(parsed) == text),
        (lambda: TilePath.parse(text), lambda parsed: str(parsed) == text),
        (lambda: WitnessPolicy.parse(text), lambda _parsed: True),
    ):
        try:
            parsed = parse()
        except AuditError:
            continue
        assert write(parsed)


@given(st.lists(st.binary(max_size=70), max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    """Any entries come back from their bundle, and only under their own number."""
    data = encode_bundle(entries)
    assert list(parse_bundle(data, len(entries))) == entries
    with pytest.raises(AuditError):
        parse_bundle(data, len(entries) + 1)


class GrowingLog(RuleBasedStateMachine):
    """Events, integrations, outages, crashes and restarts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.crash_in = 0
        self.world = LogWorld(self._fault)
        self.tickets: list[int] = []
        self.published: list[Checkpoint] = []

    def _fault(self, _step: str) -> None:
        if self.crash_in:
            self.crash_in -= 1
            if not self.crash_in:
                raise RuntimeError("crash")

    @rule(count=st.integers(1, 300))
    def add(self, count: int) -> None:
        self.tickets += self.world.add(count)

    @rule(crash_in=st.integers(0, 20))
    def integrate(self, crash_in: int) -> None:
        self.crash_in = crash_in
        try:
            note = self.world.log.integrate()
        except RuntimeError:
            self.world.log = self.world.open()
        except LogUnavailableError:
            assert not self.world.witnesses["broker"].up
        else:
            head = self.world.policy.verify_checkpoint(note).checkpoint
            assert head.size == len(self.tickets)
            self.published.append(head)
        finally:
            self.crash_in = 0

    @rule(name=st.sampled_from(["broker", "academie"]))
    def switch(self, name: str) -> None:
        witness = self.world.witnesses[name]
        witness.up = not witness.up

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.world.clock.advance(timedelta(hours=hours))

    @rule(data=st.data())
    def receipt(self, data: st.DataObject) -> None:
        if self.world.size():
            index = data.draw(st.integers(0, self.world.size() - 1))
            assert (
                verify_receipt(self.world.log.receipt_at(index), self.world.policy).index == index
            )

    @invariant()
    def signed_heads_are_of_one_tree(self) -> None:
        hashes = [leaf_hash(leaf) for leaf in self.world.store.leaves(0, len(self.tickets))]
        for head in set(self.world.recorder.signed):
            assert head.root == (root_of(hashes[: head.size]) if head.size else EMPTY_ROOT)

    @invariant()
    def published_heads_are_consistent_and_grow(self) -> None:
        for old, new in zip(self.published, self.published[1:], strict=False):
            proof = self.world.log.consistency(old.size, new.size)
            verify_consistency(old.size, new.size, old.root, new.root, proof)


TestGrowingLog = GrowingLog.TestCase
TestGrowingLog.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
