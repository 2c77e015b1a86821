"""The unit of work: all of it, or nothing, and never a foreign exception."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LogUnavailableError
from exchange.usecases.errors import ConcurrentChangeError, UnavailableError
from storage.database import Database, migrate, open_database
from storage.database import engine as engine_module
from storage.errors import StorageError, StorageUnavailableError, TransactionOverError
from tests.support.postgres import PostgresServer
from tests.support.stores import NOW, accept, digest, entry, integrate, revocation

NONCE = b"n" * 32


def test_without_commit_nothing_lasts(database: Database) -> None:
    """Leaving the context rolls back every part: statement, event and nonce."""
    statement = revocation(digest(b"c"))
    with database.transactions() as work:
        ticket = work.events.append(entry())
        work.statements.add(statement.statement, statement.digest, statement.envelope, ticket, NOW)
        work.challenges.add(NONCE, NOW)
    with database.transactions() as work:
        assert work.statements.get(statement.digest) is None
        assert work.challenges.take(NONCE) is None
    assert integrate(database) == 0


def test_an_exception_rolls_back_and_passes(database: Database) -> None:
    """The caller's own error comes out unchanged, and nothing was kept."""
    with pytest.raises(KeyError, match="mine"), database.transactions() as work:
        work.challenges.add(NONCE, NOW)
        raise KeyError("mine")
    with database.transactions() as work:
        assert work.challenges.take(NONCE) is None


def test_after_commit_nothing_more_is_taken(database: Database) -> None:
    """A write after the commit would be lost in silence; it is an error instead."""
    with database.transactions() as work:
        work.challenges.add(NONCE, NOW)
        work.commit()
        with pytest.raises(TransactionOverError):
            work.challenges.take(NONCE)
        with pytest.raises(TransactionOverError):
            work.commit()
    with pytest.raises(TransactionOverError):
        work.statements.unacknowledged()
    with database.transactions() as work:
        assert work.challenges.take(NONCE) == NOW


def test_committed_work_is_there_after_reopening(database_url: str) -> None:
    """What was committed is on disk, not in a connection."""
    first = open_database(database_url)
    accept(first, revocation(digest(b"c")))
    first.close()
    second = open_database(database_url)
    with second.readings() as work:
        assert len(work.statements.unacknowledged()) == 1
    second.close()


def test_readings_refuse_to_write(database: Database) -> None:
    """A route that only reads cannot change anything, whatever its code does."""
    with database.readings() as work, pytest.raises(StorageError):
        work.challenges.add(NONCE, NOW)
    with database.transactions() as work:
        assert work.challenges.take(NONCE) is None


def test_readings_see_one_snapshot_beside_a_writer(database: Database) -> None:
    """A reader neither waits for a writer nor sees half of what happens meanwhile."""
    accept(database, revocation(digest(b"1")))
    with database.readings() as reading:
        assert len(reading.statements.unacknowledged()) == 1
        accept(database, revocation(digest(b"2")))
        assert len(reading.statements.unacknowledged()) == 1
    with database.readings() as reading:
        assert len(reading.statements.unacknowledged()) == 2


def test_one_writer_at_a_time(database: Database) -> None:
    """A second unit of work begins only when the first is over: it decides on what the first
    left, and events are recorded in the order of the decisions."""
    order: list[str] = []
    inside, go = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait()
        with database.transactions() as work:
            order.append("second begins")
            work.events.append(entry("second"))
            work.commit()

    thread = threading.Thread(target=second)
    thread.start()
    with database.transactions() as work:
        inside.set()
        go.wait(0.3)
        work.events.append(entry("first"))
        order.append("first commits")
        work.commit()
    thread.join()
    assert order == ["first commits", "second begins"]
    with database.log_store.integration() as step:
        assert [each.leaf for each in step.pending(10)] == [b"first", b"second"]


def test_a_stuck_writer_is_reported_not_waited_for_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time-out the caller is told that nothing was changed."""
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_MS", 200)
    database = open_database(database_url)
    with database.transactions() as work:
        work.challenges.add(NONCE, NOW)
        began = time.monotonic()
        with pytest.raises(UnavailableError) as caught, database.transactions():
            pass
        assert 0.15 < time.monotonic() - began < 10
        assert isinstance(caught.value, StorageUnavailableError)
        work.commit()
    with database.transactions() as work:
        assert work.challenges.take(NONCE) == NOW
    database.close()


def test_errors_carry_no_values(database: Database) -> None:
    """A refused write names no parameter: traces and logs hold nothing of the data."""
    statement = revocation(digest(b"c"), reason="SECRET-REASON")
    with database.transactions() as work:
        work.challenges.add(b"SECRET-NONCE", NOW)
        with pytest.raises(ConcurrentChangeError) as caught:
            work.challenges.add(b"SECRET-NONCE", NOW)
    with pytest.raises(ConcurrentChangeError), database.transactions() as work:
        work.statements.add(statement.statement, statement.digest, statement.envelope, 99, NOW)
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error) or not isinstance(error, SQLAlchemyError)
        error = error.__cause__
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in str(caught.value.__cause__)


def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """No server behind the address: our error, not the driver's."""
    database = open_database(f"postgresql://dossier@/x?host={tmp_path}")
    with pytest.raises(StorageUnavailableError), database.transactions():
        pass
    with pytest.raises(StorageUnavailableError):
        database.check_schema()
    with pytest.raises(StorageError):
        database.log_store.published()
    database.close()


def test_a_forked_worker_does_not_speak_on_its_parents_connection(database: Database) -> None:
    """A pool that was used before a fork connects anew in the child."""
    with database.transactions() as work:
        work.challenges.add(NONCE, NOW)
        work.commit()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with database.transactions() as work:
                status = 0 if work.challenges.take(NONCE) == NOW else 2
                work.commit()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.transactions() as work:
        assert work.challenges.take(NONCE) is None


def test_sqlite_is_as_durable_as_promised(tmp_path: Path) -> None:
    """WAL, a full sync at each commit, foreign keys, and erased pages overwritten."""
    engine = engine_module.make_engine(f"sqlite:///{tmp_path}/x.db", create=True)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_a_failed_commit_does_not_keep_the_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a COMMIT that the disk refused nothing was kept, and the next writer gets the lock."""
    dialect = database._engine.dialect
    accept(database)

    def fail(_connection: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(dialect, "do_commit", fail)
        with database.transactions() as work:
            work.challenges.add(NONCE, NOW)
            with pytest.raises(StorageUnavailableError):
                work.commit()
        with pytest.raises(LogUnavailableError), database.log_store.integration():
            pass
    other = open_database(database._engine.url.render_as_string(hide_password=False))
    with other.transactions() as work:
        assert work.challenges.take(NONCE) is None
        work.commit()
    with other.log_store.integration() as step:
        assert step.pending(1) == []
    other.close()


def test_a_server_that_goes_while_something_is_read(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end comes after the reading, at the rollback: what was read stands, what failed is said, no
    driver's error comes out, and the next reading has a connection that works."""
    url = postgres.new_database()
    migrate(url)
    database = open_database(url)
    name = url.split("@/")[1].split("?")[0]
    for reading in (database.readings, database.unordered):
        with reading() as work:
            assert list(work.contacts.all()) == []
            postgres.end_sessions(name)
        with reading() as work:
            assert list(work.contacts.all()) == []
    with pytest.raises(KeyError, match="mine"), database.log_store.integration() as log:
        log.head()
        postgres.end_sessions(name)
        raise KeyError("mine")
    with database.log_store.reading() as log:
        assert log.published() is None
    database.close()
