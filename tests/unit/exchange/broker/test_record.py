"""The record: its tree, its checkpoint, and what a crash may leave."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.errors import LogFormatError
from audit.merkle import leaf_hash, root_of
from audit.note import Note, NoteSigner
from crypto.digests import Digest
from crypto.keys import ServiceSigningSeed
from exchange.broker.errors import BrokerStoreError
from exchange.broker.record import LINES_TOGETHER, BrokerRecord, CompactRange, Recorded
from exchange.usecases.broker_record import RecordEntry, RecordKind, record_origin

ORIGIN = "dossiers.example/log"
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SEED = ServiceSigningSeed(bytes(32))


def record(directory: Path) -> BrokerRecord:
    found = BrokerRecord(directory, ORIGIN)
    found.refresh(lambda: SEED)
    return found


def refuse(entries: BrokerRecord, *numbers: int, at: datetime = AT) -> None:
    things = [
        Recorded({"access_request": Digest(f"{number:064x}")}, {"reason": "recused"})
        for number in numbers
    ]
    entries.append(RecordKind.REFUSED, at, things, SEED)


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_compact_range_is_the_rfc_tree(entries: list[bytes]) -> None:
    """Appending one by one gives the root of RFC 6962 over all leaves."""
    tree = CompactRange()
    for entry in entries:
        tree.append(leaf_hash(entry))
    assert tree.size == len(entries)
    assert tree.root() == root_of([leaf_hash(entry) for entry in entries])


def test_checkpoint_covers_every_line(tmp_path: Path) -> None:
    """After each append the signed note covers exactly the lines of the file."""
    entries = record(tmp_path)
    for number in range(5):
        refuse(entries, number)
        lines, data = entries.export()
        note = Note.parse(data)
        note.verify([NoteSigner(record_origin(ORIGIN), SEED).verifier])
        head = Checkpoint.parse(note.text)
        assert head.origin == "dossiers.example/log/broker-record"
        assert head.size == number + 1
        assert head.root == root_of([leaf_hash(line) for line in lines.splitlines()])


def test_empty_record_is_signed(tmp_path: Path) -> None:
    """Even an empty record has its signed checkpoint, so that it can be exported."""
    lines, note = record(tmp_path).export()
    assert lines == b""
    assert Checkpoint.of_note(note).size == 0


def test_crash_between_line_and_signature(tmp_path: Path) -> None:
    """One line beyond the signature is what a crash leaves: it is signed at the next start."""
    entries = record(tmp_path)
    refuse(entries, 1)
    refuse(entries, 2)
    older = (tmp_path / "record.slots").read_bytes()
    refuse(entries, 3)
    (tmp_path / "record.slots").write_bytes(older)
    assert Checkpoint.of_note(record(tmp_path).export()[1]).size == 3


@pytest.mark.parametrize("written", range(1, LINES_TOGETHER + 1))
def test_crash_in_the_middle_of_several_lines(tmp_path: Path, written: int) -> None:
    """Of lines recorded together a crash leaves the first few: those are signed at the next start."""
    entries = record(tmp_path)
    refuse(entries, 1)
    older = (tmp_path / "record.slots").read_bytes()
    refuse(entries, *range(2, LINES_TOGETHER + 2))
    assert Checkpoint.of_note(entries.export()[1]).size == LINES_TOGETHER + 1
    lines = (tmp_path / "record.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "record.jsonl").write_bytes(b"".join(lines[: 1 + written]) + b'{"torn')
    (tmp_path / "record.slots").write_bytes(older)
    assert Checkpoint.of_note(record(tmp_path).export()[1]).size == 1 + written


@pytest.mark.parametrize("later", [1, LINES_TOGETHER])
def test_more_lines_beyond_the_signature(tmp_path: Path, later: int) -> None:
    """No crash leaves lines of two moments unsigned, nor more than are recorded together: somebody
    added them."""
    entries = record(tmp_path)
    refuse(entries, 1)
    older = (tmp_path / "record.slots").read_bytes()
    refuse(entries, 2)
    moment = AT + timedelta(seconds=1) if later == 1 else AT
    refuse(entries, *range(3, 3 + later), at=moment)
    (tmp_path / "record.slots").write_bytes(older)
    with pytest.raises(BrokerStoreError):
        record(tmp_path)


def test_signature_of_another_key(tmp_path: Path) -> None:
    """A record signed by another key is not this broker's."""
    refuse(record(tmp_path), 1)
    with pytest.raises(BrokerStoreError):
        BrokerRecord(tmp_path, ORIGIN).refresh(lambda: ServiceSigningSeed.generate(os.urandom))


def test_line_out_of_place(tmp_path: Path) -> None:
    """Each line says its number: lines cannot be exchanged."""
    entries = record(tmp_path)
    refuse(entries, 1)
    refuse(entries, 2)
    path = tmp_path / "record.jsonl"
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(BrokerStoreError):
        record(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'{"v":2}',
        b'{"at":"2026-03-02T09:00:00Z","cites":{},"envelope":null,"facts":{},"kind":"refused","number":0,"v":1} ',
        b'{"at":"2026-03-02T09:00:00Z","cites":{},"envelope":null,"facts":{},"kind":"sold","number":0,"v":1}',
        b'{"at":"2026-03-02T09:00:00Z","cites":{},"facts":{},"kind":"refused","number":0,"v":1}',
    ],
)
def test_lines_have_one_form(line: bytes) -> None:
    """A line is read in its canonical form or not at all."""
    with pytest.raises(LogFormatError):
        RecordEntry.parse(line)


def test_line_round_trip() -> None:
    """What is written is read back the same."""
    entry = RecordEntry(
        number=3,
        at=AT,
        kind=RecordKind.OPENED,
        cites={"answer": Digest("a" * 64)},
        facts={"index": "7"},
    )
    assert RecordEntry.parse(entry.to_line()) == entry
