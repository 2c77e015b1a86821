"""The store's lock among threads that keep coming, and another process that wants it too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.broker import files, store_lock
from exchange.broker.errors import BrokerBusyError
from exchange.broker.files import locked
from exchange.broker.store_lock import StoreLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def threads(count: int, run: Callable[[], None]) -> Iterator[threading.Event]:
    """``run`` in many threads, again and again until the event is set."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            run()

    started = [threading.Thread(target=loop) for _ in range(count)]
    for thread in started:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in started:
            thread.join()


def free(path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether another process could take the lock at once."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "LOCK_SECONDS", 0.0)
        try:
            with locked(path):
                return True
        except BrokerBusyError:
            return False


def test_one_at_a_time(path: Path) -> None:
    """Threads of two processes: never two inside."""
    inside, most = [], []
    locks = [StoreLock(path), StoreLock(path)]

    def run() -> None:
        for lock in locks:
            with lock.held():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    with threads(6, run) as stop:
        stop.wait(0.5)
    assert len(most) > 50
    assert set(most) == {1}


def test_another_process_is_not_kept_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads wait here, it has its turn about when the longest hold is over."""
    monkeypatch.setattr(store_lock, "LONGEST_HOLD_SECONDS", 0.01)
    lock, entered, meanwhile = StoreLock(path), [], []

    def run() -> None:
        with lock.held():
            entered.append(1)
            time.sleep(0.002)

    with threads(5, run):
        for _ in range(10):
            time.sleep(0.01)
            before = len(entered)
            with locked(path):
                meanwhile.append(len(entered) - before)
    assert max(meanwhile) <= 30, meanwhile
    assert len(entered) > 10


def test_threads_that_wait_are_let_in_without_giving_it_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is taken from the system once for all of them."""
    taken: list[Path] = []
    real = files.locked
    monkeypatch.setattr(store_lock, "LONGEST_HOLD_SECONDS", 60)
    monkeypatch.setattr(store_lock, "locked", lambda *all: (taken.append(path), real(*all))[1])
    lock, done = StoreLock(path), []

    def run() -> None:
        with lock.held():
            done.append(1)

    with lock.held():
        waiting = [threading.Thread(target=run) for _ in range(8)]
        for thread in waiting:
            thread.start()
        while len(lock._queue) < len(waiting):
            time.sleep(0.001)
    for thread in waiting:
        thread.join()
    assert len(done) == 8
    assert len(taken) == 1
    assert free(path, monkeypatch)


def test_it_is_free_when_nobody_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an operation, and after one that failed."""
    lock = StoreLock(path)
    with lock.held():
        assert not free(path, monkeypatch)
    assert free(path, monkeypatch)
    with pytest.raises(KeyError), lock.held():
        raise KeyError
    assert free(path, monkeypatch)
    with lock.held():
        assert not free(path, monkeypatch)


def test_a_lock_that_could_not_be_had_can_be_had_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Having given up once does no harm."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.02)
    lock = StoreLock(path)
    with locked(path), pytest.raises(BrokerBusyError), lock.held():
        raise AssertionError
    with lock.held():
        assert not free(path, monkeypatch)
    assert free(path, monkeypatch)


def test_threads_come_in_the_order_in_which_they_asked(path: Path) -> None:
    """One that comes back at once is behind those who waited."""
    lock, order = StoreLock(path), []

    def run(number: int) -> None:
        with lock.held():
            order.append(number)

    with lock.held():
        waiting = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for place, thread in enumerate(waiting, start=1):
            thread.start()
            while len(lock._queue) < place:
                time.sleep(0.001)
    with lock.held():
        order.append(8)
    for thread in waiting:
        thread.join()
    assert order == list(range(9))


@pytest.mark.parametrize("called", [False, True])
def test_a_thread_interrupted_while_it_waits_keeps_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, called: bool
) -> None:
    """Interrupted before it is its turn, or when it is just called: the lock is let go all the same."""
    lock, asked, leave = StoreLock(path), threading.Event(), threading.Event()
    real = store_lock._Ticket.wait

    def interrupted(ticket: store_lock._Ticket, deadline: float) -> None:
        if called:
            leave.set()
            real(ticket, deadline)
        raise KeyboardInterrupt

    def hold() -> None:
        with lock.held():
            asked.set()
            leave.wait(5)

    monkeypatch.setattr(store_lock._Ticket, "wait", interrupted)
    holder = threading.Thread(target=hold)
    holder.start()
    asked.wait(5)
    with pytest.raises(KeyboardInterrupt), lock.held():
        raise AssertionError
    leave.set()
    holder.join()
    assert free(path, monkeypatch)
    with lock.held():
        assert not free(path, monkeypatch)


def test_a_thread_waits_no_longer_than_a_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind threads of its own process too, it gives up in time and says why; the others go on."""
    lock, leave, inside = StoreLock(path), threading.Event(), threading.Event()

    def hold() -> None:
        with lock.held():
            inside.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(5)
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    began = time.monotonic()
    with pytest.raises(BrokerBusyError), lock.held():
        raise AssertionError
    assert time.monotonic() - began < 2
    leave.set()
    holder.join()
    assert free(path, monkeypatch)
    with lock.held():
        assert not free(path, monkeypatch)
