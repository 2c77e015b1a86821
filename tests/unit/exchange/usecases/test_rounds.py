"""Rounds: who comes while others are answered is answered with the next, and nobody pays for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from exchange.usecases.errors import ConflictError, UnavailableError
from exchange.usecases.rounds import Rounds

Work = Callable[[Sequence[int]], Sequence[str | Exception]]


class Played:
    """Threads that join, one after the other, while the first round is held up."""

    def __init__(self, work: Work, at_most: int = 100) -> None:
        self.rounds: list[list[int]] = []
        self.hold = threading.Event()
        self.results: dict[int, str | Exception] = {}
        self._work = work
        self._shared: Rounds[int, str] = Rounds(self._recorded, lambda item: item, at_most)

    def _recorded(self, items: Sequence[int]) -> Sequence[str | Exception]:
        self.rounds.append(list(items))
        if len(self.rounds) == 1:
            self.hold.wait(10)
        return self._work(items)

    def _join(self, item: int) -> None:
        try:
            self.results[item] = self._shared.join(item)
        except Exception as error:
            self.results[item] = error

    def play(self, *items: int) -> dict[int, str | Exception]:
        threads = [threading.Thread(target=self._join, args=(item,)) for item in items]
        for place, thread in enumerate(threads):
            thread.start()
            while len(self._shared._queue) < place or not self.rounds:
                time.sleep(0.001)
        self.hold.set()
        for thread in threads:
            thread.join(10)
        assert not self._shared._busy
        assert not self._shared._queue
        return self.results


def said(items: Sequence[int]) -> list[str | Exception]:
    return [f"answer {each}" for each in items]


def test_who_waited_shares_the_next_round() -> None:
    """The first goes alone and at once; the four who came meanwhile go together, in their order."""
    played = Played(said)
    results = played.play(1, 2, 3, 4, 5)
    assert played.rounds == [[1], [2, 3, 4, 5]]
    assert results == {each: f"answer {each}" for each in (1, 2, 3, 4, 5)}


def test_a_round_has_a_limit_and_always_one() -> None:
    """What is too much for a round waits for the next; what is too much for any goes alone."""
    played = Played(said, at_most=10)
    played.play(1, 4, 5, 3, 50, 2)
    assert played.rounds == [[1], [4, 5], [3], [50], [2]]


def test_one_error_is_its_own() -> None:
    """An outcome that is an error is raised to whom it belongs, and to nobody else."""

    def one_bad(items: Sequence[int]) -> list[str | Exception]:
        return [ConflictError("dépassé") if each == 3 else f"answer {each}" for each in items]

    results = Played(one_bad).play(1, 2, 3, 4)
    assert isinstance(results.pop(3), ConflictError)
    assert results == {each: f"answer {each}" for each in (1, 2, 4)}


def test_what_cannot_be_reached_is_everybodys() -> None:
    """Asking again for each would only keep them waiting; the round after that is a new attempt."""

    def away(items: Sequence[int]) -> list[str | Exception]:
        if len(items) > 1:
            raise UnavailableError("La base ne répond pas.")
        return said(items)

    played = Played(away)
    results = played.play(1, 2, 3)
    assert played.rounds == [[1], [2, 3]]
    assert results.pop(1) == "answer 1"
    assert {type(each) for each in results.values()} == {UnavailableError}


def test_a_fault_in_one_is_not_the_others() -> None:
    """After any other failure each is worked on by itself, and only the faulty one fails."""

    def faulty(items: Sequence[int]) -> list[str | Exception]:
        if 3 in items:
            raise ZeroDivisionError
        return said(items)

    played = Played(faulty)
    results = played.play(1, 2, 3, 4)
    assert isinstance(results.pop(3), ZeroDivisionError)
    assert results == {each: f"answer {each}" for each in (1, 2, 4)}
    assert sorted(map(len, played.rounds)) == [1, 1, 1, 1, 3]


def test_an_interrupted_thread_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted while it works for others, or while it waits: the others have their answers."""
    rounds: Rounds[int, str] = Rounds(_stopping, lambda item: 1, 10)
    with pytest.raises(KeyboardInterrupt):
        rounds.join(13)
    assert rounds.join(1) == "answer 1"

    started, leave = threading.Event(), threading.Event()

    def held(items: Sequence[int]) -> list[str | Exception]:
        started.set()
        leave.wait(10)
        return said(items)

    slow: Rounds[int, str] = Rounds(held, lambda item: 1, 10)
    first = threading.Thread(target=slow.join, args=(1,))
    first.start()
    started.wait(10)

    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("exchange.usecases.rounds._Ticket.wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            slow.join(2)
    leave.set()
    first.join(10)
    assert slow.join(3) == "answer 3"


def _stopping(items: Sequence[int]) -> list[str | Exception]:
    if 13 in items:
        raise KeyboardInterrupt
    return said(items)


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a round that hangs everybody is told to come back, in one waiting time and not one after
    the other; afterwards the rounds go on."""
    monkeypatch.setattr("exchange.usecases.rounds.LONGEST_WAIT_SECONDS", 0.1)
    played = Played(said, at_most=1)
    threads = [threading.Thread(target=played._join, args=(item,)) for item in (1, 2, 3, 4)]
    threads[0].start()
    while not played.rounds:
        time.sleep(0.001)
    began = time.monotonic()
    for thread in threads[1:]:
        thread.start()
    for thread in threads[1:]:
        thread.join(10)
    assert time.monotonic() - began < 5
    assert {type(played.results[each]) for each in (2, 3, 4)} == {UnavailableError}
    played.hold.set()
    threads[0].join(10)
    assert played.results[1] == "answer 1"
    assert played._shared.join(5) == "answer 5"
    assert played.rounds == [[1], [5]]


def test_many_threads_each_get_their_own() -> None:
    """Under load every thread has its own answer, in far fewer rounds than requests."""
    rounds: list[int] = []

    def work(items: Sequence[int]) -> list[str | Exception]:
        rounds.append(len(items))
        time.sleep(0.001)
        return said(items)

    shared: Rounds[int, str] = Rounds(work, lambda item: 1, 64)
    wrong: list[int] = []

    def ask(start: int) -> None:
        numbers = range(start, start + 50)
        wrong.extend(each for each in numbers if shared.join(each) != f"answer {each}")

    threads = [threading.Thread(target=ask, args=(1_000 * place,)) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert sum(rounds) == 800
    assert len(rounds) < 400
