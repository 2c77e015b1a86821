"""Sharing a run: nobody gets the result of one that began before it asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from audit.combining import SharedRun
from audit.errors import LogUnavailableError

CALLERS = 16


class Work:
    """Counts its runs; the first one waits until it is let go."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.runs = 0
        self.begun, self.go = threading.Event(), threading.Event()
        self.committed: list[int] = []
        self.failure = failure

    def __call__(self) -> tuple[int, ...]:
        self.runs += 1
        seen = tuple(self.committed)
        self.begun.set()
        self.go.wait(10)
        if self.failure is not None and self.runs == 2:
            raise self.failure
        return seen


def gathered(work: Work) -> list[BaseException | tuple[int, ...]]:
    """What ``CALLERS`` got who came while one run was under way, each after committing its number."""
    shared = SharedRun(work)

    def call(number: int) -> BaseException | tuple[int, ...]:
        work.committed.append(number)
        try:
            return shared.run()
        except BaseException as error:
            return error

    with ThreadPoolExecutor(CALLERS + 1) as pool:
        first = pool.submit(shared.run)
        work.begun.wait(10)
        late = [pool.submit(call, number) for number in range(CALLERS)]
        while len(work.committed) < CALLERS or shared._gathering is None:
            pass
        work.go.set()
        assert first.result() == ()
        return [each.result() for each in late]


def test_who_comes_during_a_run_shares_the_next_one() -> None:
    """Each caller's own commit is in its result, and sixteen callers cost less than sixteen runs."""
    work = Work()
    for number, result in enumerate(gathered(work)):
        assert isinstance(result, tuple)
        assert number in result
    assert work.runs < 1 + CALLERS


def test_a_failure_of_the_log_is_everybodys_in_the_group() -> None:
    """Who shared the failed run is told why; nobody takes the silence for success."""
    work = Work(LogUnavailableError("Le disque est plein."))
    results = gathered(work)
    assert any(isinstance(result, LogUnavailableError) for result in results)
    for number, result in enumerate(results):
        assert isinstance(result, LogUnavailableError) or (
            isinstance(result, tuple) and number in result
        )


def test_an_interrupt_is_its_own_threads_affair() -> None:
    """One caller is interrupted; the others run the work themselves and get their results."""
    work = Work(KeyboardInterrupt())
    results = gathered(work)
    assert sum(isinstance(result, KeyboardInterrupt) for result in results) == 1
    for number, result in enumerate(results):
        assert isinstance(result, KeyboardInterrupt) or (
            isinstance(result, tuple) and number in result
        )


def test_alone_it_is_a_call() -> None:
    """A lone caller runs the work each time, and gets its errors as they are."""
    work = Work(LogUnavailableError("Le disque est plein."))
    work.go.set()
    shared = SharedRun(work)
    assert shared.run() == ()
    with pytest.raises(LogUnavailableError):
        shared.run()
    assert shared.run() == ()
