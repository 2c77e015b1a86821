"""One commit for units of work that wait for each other: shared, and as safe as one each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, event

from storage.database import group_commit, open_database, turns
from storage.database.engine import make_engine
from storage.database.events import SqlEvents
from storage.database.group_commit import GroupCommit
from storage.database.transaction import Transaction
from storage.database.turns import Turns, WritingTurns
from storage.errors import StorageUnavailableError
from tests.support.stores import entry

Task = Callable[[Transaction], None]


@dataclass
class Writers:
    """Threads whose units of work all wait before the first of them ends."""

    engine: Engine
    commits: GroupCommit
    turns: Turns
    committed: list[None]
    ahead_failed: StorageUnavailableError | None = None

    def together(self, *tasks: Task) -> list[Future[None]]:
        """Run each task in a unit of work of its own, queued in this order behind another one."""
        with ThreadPoolExecutor(len(tasks)) as pool:
            futures = []
            with self.commits.unit() as ahead:
                append("ahead")(ahead)
                for number, task in enumerate(tasks, start=1):
                    futures.append(pool.submit(self._run, task))
                    while len(self.turns._queue) < number:
                        pass
                try:
                    ahead.commit()  # the last of the group commits for all
                except StorageUnavailableError as error:
                    self.ahead_failed = error
        return futures

    def _run(self, task: Task) -> None:
        with self.commits.unit() as unit:
            task(unit)


def append(text: str) -> Task:
    def task(unit: Transaction) -> None:
        SqlEvents(unit).append(entry(text))
        if text != "ahead":
            unit.commit()

    return task


def give_up(unit: Transaction) -> None:
    SqlEvents(unit).append(entry("given up"))
    raise KeyError("mine")


@pytest.fixture
def writers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writers]:
    """A group stays open for as long as somebody waits, however slow the machine."""
    monkeypatch.setattr(group_commit, "MAX_SECONDS", 60.0)
    engine = make_engine(database_url)
    turns = WritingTurns.on(engine)
    made = Writers(engine, GroupCommit(engine, turns.work), turns.work, [])
    event.listen(engine, "commit", lambda _connection: made.committed.append(None))
    yield made
    engine.dispose()


def kept(database_url: str) -> list[bytes]:
    """The leaves that are on disk, in the order of their tickets."""
    database = open_database(database_url)
    try:
        with database.log_store.integration() as step:
            return [each.leaf for each in step.pending(100)]
    finally:
        database.close()


def test_waiting_units_share_one_commit(writers: Writers, database_url: str) -> None:
    """Five units of work, one commit; all are there, in their order."""
    for each in writers.together(*(append(f"{n}") for n in range(4))):
        each.result()
    assert len(writers.committed) == 1
    assert kept(database_url) == [b"ahead", b"0", b"1", b"2", b"3"]


def test_a_unit_that_gives_up_takes_nobody_along(writers: Writers, database_url: str) -> None:
    """In the midst of a group, and last in it: what gave up is undone, the others are kept."""
    first, second, third, fourth = writers.together(append("a"), give_up, append("b"), give_up)
    first.result()
    third.result()
    for each in (second, fourth):
        with pytest.raises(KeyError, match="mine"):
            each.result()
    assert kept(database_url) == [b"ahead", b"a", b"b"]


def test_a_failed_commit_is_everybodys(
    writers: Writers, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the shared commit fails, no unit is told that it was kept, and none was."""
    dialect = writers.engine.dialect

    def fail(_connection: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("disk I/O error")

    with writers.engine.connect():
        pass  # connecting for the first time commits, too
    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_commit", fail)
        results = writers.together(append("a"), lambda _unit: None, append("b"))
    for each in results:
        with pytest.raises(StorageUnavailableError):
            each.result()
    assert isinstance(writers.ahead_failed, StorageUnavailableError)
    assert kept(database_url) == []
    writers._run(append("after"))
    assert kept(database_url) == [b"after"]


def test_a_transaction_that_broke_fails_its_whole_group(
    writers: Writers, database_url: str
) -> None:
    """As SQLite does on a full disk, the transaction is rolled back under a unit's feet: it and
    those before it fail, and those after it begin anew."""

    def broken(unit: Transaction) -> None:
        unit._live().exec_driver_sql("ROLLBACK")
        unit.commit()

    first, second, third = writers.together(append("a"), broken, append("b"))
    for each in (first, second):
        with pytest.raises(StorageUnavailableError):
            each.result()
    third.result()
    assert kept(database_url) == [b"b"]


def test_a_unit_that_only_read_returns_when_the_group_is_on_disk(writers: Writers) -> None:
    """What it saw may not be told before it is durable."""
    told: list[int] = []

    def read(unit: Transaction) -> None:
        assert SqlEvents(unit).is_disclosed(1)

    def look(_connection: object) -> None:
        told.append(len([each for each in futures if each.done()]))

    event.listen(writers.engine, "commit", look)
    futures: list[Future[None]] = []
    gate = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        with writers.commits.unit() as ahead:
            append("ahead")(ahead)
            futures.append(pool.submit(writers._run, read))
            while len(writers.turns._queue) < 1:
                pass
            futures.append(pool.submit(writers._run, lambda _unit: gate.wait(0.3)))
            while len(writers.turns._queue) < 2:
                pass
            ahead.commit()
    assert told == [0]


def test_an_old_group_takes_no_further_unit(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of a group does not wait for an endless queue."""
    monkeypatch.setattr(group_commit, "MAX_SECONDS", 0.0)
    for each in writers.together(*(append(f"{n}") for n in range(4))):
        each.result()
    assert len(writers.committed) == 5
    writers.committed.clear()
    monkeypatch.setattr(group_commit, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(group_commit, "MAX_UNITS", 2)
    for each in writers.together(*(append(f"{n}") for n in range(3))):
        each.result()
    assert len(writers.committed) == 2


def test_an_interrupt_at_ones_turn_ends_the_open_group(
    writers: Writers, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the moment in which the turn and an open group come to it: those who committed in
    the group have their commit."""
    real, interrupted = turns.Turns.take, []

    def take(self: turns.Turns, *arguments: object) -> None:
        real(self, *arguments[:2])  # type: ignore[arg-type]
        if writers.commits._group is not None and not interrupted:
            interrupted.append(1)
            arguments[2]()  # type: ignore[operator]
            raise KeyboardInterrupt

    monkeypatch.setattr(turns.Turns, "take", take)
    first, second, third = writers.together(append("never"), append("a"), append("b"))
    assert writers.ahead_failed is None
    with pytest.raises(KeyboardInterrupt):
        first.result(10)
    second.result(10)
    third.result(10)
    assert kept(database_url) == [b"ahead", b"a", b"b"]


@pytest.mark.parametrize("told", [False, True])
def test_a_turn_granted_to_an_interrupted_thread_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """It does with it what it was told to, and gives it back where it was told nothing."""
    shared, unused = Turns(), []
    shared.take("work", 0)

    class Interrupted:
        def acquire(self, timeout: float) -> bool:
            shared.give_back()  # granted at this very moment
            raise KeyboardInterrupt

        def release(self) -> None: ...

    waiter = turns._Waiter("work")
    waiter.granted = Interrupted()  # type: ignore[assignment]
    monkeypatch.setattr(turns, "_Waiter", lambda _kind: waiter)
    with pytest.raises(KeyboardInterrupt):
        shared.take("work", 1_000, (lambda: unused.append(1)) if told else None)
    assert unused == ([1] if told else [])
    assert shared._taken is told


def test_an_interrupt_gives_the_turn_back(
    writers: Writers, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit that is interrupted while it is undone holds nobody up, and takes its group along."""
    interrupted: list[None] = []
    execute = writers.engine.dialect.do_execute

    def once(cursor: object, statement: str, *rest: object, **more: object) -> None:
        if statement.startswith("ROLLBACK TO") and not interrupted:
            interrupted.append(None)
            raise KeyboardInterrupt
        execute(cursor, statement, *rest, **more)

    monkeypatch.setattr(writers.engine.dialect, "do_execute", once)
    first, second, third = writers.together(append("a"), give_up, append("b"))
    with pytest.raises(StorageUnavailableError):
        first.result()
    with pytest.raises(KeyboardInterrupt):
        second.result()
    third.result()
    assert kept(database_url) == [b"b"]
