"""Kept answers: one file a deposit, shared by processes, gone with the deposit's key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto.digests import Digest, sha256
from crypto.encoding import new_opaque_id
from exchange.broker.answers import Answers
from exchange.broker.errors import BrokerStoreError

DEPOSIT, OTHER = new_opaque_id(os.urandom), new_opaque_id(os.urandom)


def request(number: int) -> Digest:
    return sha256(bytes([number]))


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    made = Answers(tmp_path / "answers")
    made.create()
    return made


def test_each_request_has_its_answer(answers: Answers, tmp_path: Path) -> None:
    """By request and deposit, in this process and in others, after a restart too."""
    other = Answers(tmp_path / "answers")
    for number in range(20):
        writer, reader = (answers, other) if number % 3 else (other, answers)
        assert reader.get(request(number), DEPOSIT) is None
        writer.put(DEPOSIT, {request(number): b"a%d" % number})
        assert reader.get(request(number), DEPOSIT) == b"a%d" % number
        assert reader.get(request(number), OTHER) is None
    for each in (answers, other, Answers(tmp_path / "answers")):
        assert each.get(request(7), DEPOSIT) == b"a7"
        assert each.get(request(0), DEPOSIT) == b"a0"


def test_dropped_by_one_is_dropped_for_all(answers: Answers, tmp_path: Path) -> None:
    """The file is overwritten; who knew where an answer lay in it finds nothing, and no error."""
    other, path = Answers(tmp_path / "answers"), tmp_path / "answers" / f"{DEPOSIT}.answers"
    for each in (DEPOSIT, OTHER):
        answers.put(each, {request(1): b"answer"})
    assert other.get(request(1), DEPOSIT) == b"answer"
    os.link(path, tmp_path / "other-name")
    answers.drop([DEPOSIT])
    assert not path.exists()
    assert set((tmp_path / "other-name").read_bytes()) == {0}
    for each in (answers, other):
        assert each.get(request(1), DEPOSIT) is None
        assert each.get(request(1), OTHER) == b"answer"
    answers.drop([DEPOSIT])


def test_an_answer_cut_short_was_never_given(answers: Answers, tmp_path: Path) -> None:
    """A line without its end goes, and the next one fits."""
    answers.put(DEPOSIT, {request(1): b"first"})
    path = tmp_path / "answers" / f"{DEPOSIT}.answers"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-3])
    assert answers.get(request(1), DEPOSIT) == b"first"
    answers.put(DEPOSIT, {request(2): b"second"})
    assert Answers(tmp_path / "answers").get(request(2), DEPOSIT) == b"second"
    assert len(path.read_bytes().splitlines()) == 2


def test_an_altered_answer_is_not_given(answers: Answers, tmp_path: Path) -> None:
    """Another line where an answer lay is an error, whoever remembers its place."""
    answers.put(DEPOSIT, {request(1): b"first"})
    path = tmp_path / "answers" / f"{DEPOSIT}.answers"
    path.write_bytes(path.read_bytes().replace(request(1).encode(), request(2).encode()))
    with pytest.raises(BrokerStoreError):
        answers.get(request(1), DEPOSIT)
    path.write_bytes(request(1).encode() + b" n\xc3\xa9ant\n")
    with pytest.raises(BrokerStoreError):
        Answers(tmp_path / "answers").get(request(1), DEPOSIT)
