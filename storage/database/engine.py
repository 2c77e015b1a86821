"""Engines for the two databases, and the transactions that everything else runs in.

Both behave alike: one writing unit of work at a time, on all workers and hosts. On SQLite this is
``BEGIN IMMEDIATE``; on PostgreSQL an advisory lock taken first and held to the end. So a decision
and the event that records it are taken in the order of the log: an auditor who replays the log
sees, at each entry, exactly what the service saw. A transaction that would begin by reading and
upgrade later could fail (SQLITE_BUSY_SNAPSHOT) or decide on what another has just changed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Final

from psycopg import Error as DriverError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError, SQLAlchemyError

from storage.database.errors import Translate, is_busy
from storage.database.transaction import Transaction
from storage.errors import StorageConfigurationError
from storage.files import PRIVATE_FILE

BUSY_TIMEOUT_MS: Final = 15_000
"""How long one writer waits for another, in milliseconds. A unit of work takes some milliseconds;
a wait of 15 s means that something is stuck, and a client's own time-out is longer."""

BUSY_STEP_MS: Final = 20
"""How long SQLite's own busy handler waits before we ask again, in milliseconds. Left alone it
would soon sleep 100 ms between tries, and a waiter starve beside a busy loop of short writers."""

STATEMENT_TIMEOUT_MS: Final = 30_000
"""No statement of ours takes a second; a longer one is stuck, and holds a lock."""

IDLE_TIMEOUT_MS: Final = 60_000
"""PostgreSQL ends a transaction whose worker died without closing its connection, in
milliseconds: until then it would hold the writers' lock."""

CONNECT_TIMEOUT_S: Final = 5
POOL_SIZE: Final = 8
"""Connections kept by each process. Writers queue anyway; this is for readers."""
POOL_OVERFLOW: Final = 24
"""Further connections under load: a worker has 32 to 64 threads."""
POOL_TIMEOUT_S: Final = 15
POOL_RECYCLE_S: Final = 1_800
POOL_TRUST_S: Final = 1.0
"""A connection given back longer ago is asked whether it still lives before it is used. One that answered
a second ago is not: a unit of work that meets a database going away fails either way."""


_DISK_ERRORS: Final = ("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


class Mode(Enum):
    """What a transaction is for. The value is the number of its PostgreSQL advisory lock; those up to
    0 take none.
    """

    UNORDERED = -1
    READ = 0
    WRITE = 1
    INTEGRATE = 2
    PUBLISH = 3


def make_engine(url: str, *, create: bool = False) -> Engine:
    """An engine for ``sqlite:////path`` or ``postgresql://…``; raises StorageConfigurationError.

    A missing SQLite file is an error unless ``create``: a mistyped path must not look like an
    empty commission.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(_sqlite_path(parsed), create=create)
        engine = _create(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1_000})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "handle_error", _distrust_connection)
    else:
        options = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "dossier-exchange"}
        engine = _create(parsed, connect_args=options)
        event.listen(engine, "connect", _configure_postgresql)
        event.listen(engine, "checkin", _remember_use)
        event.listen(engine, "checkout", _refuse_dead_connection)
    event.listen(engine, "connect", _remember_process)
    event.listen(engine, "checkout", _refuse_inherited_connection)
    return engine


@contextmanager
def transaction(engine: Engine, mode: Mode, translate: Translate) -> Iterator[Transaction]:
    """One transaction, rolled back unless ``Transaction.commit`` was called inside."""
    with connected(engine, mode, translate) as connection:
        begun = Transaction(connection, translate)
        try:
            yield begun
        finally:
            begun.end()


@contextmanager
def connected(engine: Engine, mode: Mode, translate: Translate) -> Iterator[Connection]:
    """A connection in an open transaction of that mode, with the lock that it needs."""
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise translate(error) from error
    try:
        try:
            _begin(connection, mode)
        except SQLAlchemyError as error:
            raise translate(error) from error
        yield connection
    finally:
        _close(connection)


def _close(connection: Connection) -> None:
    """Roll back what was not committed. Where the server has gone meanwhile, it has done so itself: what
    was read stands, and nothing that was not committed was promised.
    """
    try:
        connection.close()
    except SQLAlchemyError:
        if not connection.closed:
            connection.invalidate()
            connection.close()


def _begin(connection: Connection, mode: Mode) -> None:
    if connection.dialect.name == "sqlite":
        connection.execution_options(dossier_immediate=mode is not Mode.READ)
        connection.begin()
        return
    if mode is Mode.READ:
        # One snapshot for the whole unit of work, as SQLite's readers have.
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.begin()
        return
    # READ COMMITTED, so that every statement after the lock sees all that was committed before it
    # was granted; a snapshot taken earlier would miss the last writer's work. The key is our own
    # table's identity, so that two instances in one database (two schemas) do not meet.
    connection.begin()
    if mode is Mode.UNORDERED:
        return
    connection.execute(
        text("SELECT pg_advisory_xact_lock(CAST(CAST('log_entries' AS regclass) AS oid)::int, :n)"),
        {"n": mode.value},
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageConfigurationError("L'adresse de la base de données est illisible.") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StorageConfigurationError(
            "Base de données « {backend} » inconnue : utilisez sqlite:////chemin ou postgresql://…",
            backend=backend,
        )
    return parsed


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        # Each pooled connection would have a database of its own, and none would last.
        raise StorageConfigurationError(
            "Une base SQLite est un fichier : écrivez sqlite:////chemin/vers/fichier."
        )
    return Path(url.database)


def _prepare_file(path: Path, *, create: bool) -> None:
    """Create the file private: SQLite gives the WAL beside it the same mode."""
    if path.exists():
        return
    if not create:
        raise StorageConfigurationError(
            "La base de données « {path} » n'existe pas. Créez-la avec « dossier migrate », "
            "ou corrigez DATABASE_URL.",
            path=str(path),
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE))
    except OSError as error:
        raise StorageConfigurationError(
            "Le fichier de base de données « {path} » ne peut pas être créé ({cause}).",
            path=str(path),
            cause=error.strerror,
        ) from error


def _create(url: URL, connect_args: dict[str, Any]) -> Engine:
    return create_engine(
        url,
        connect_args=connect_args,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=POOL_RECYCLE_S,
        # The connection used last is used next: it knows the plans of our statements already.
        pool_use_lifo=True,
        hide_parameters=True,  # values never reach a traceback or a log
    )


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions by itself: ``_begin_sqlite`` says how they begin.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # an acknowledged event survives a power cut
        "foreign_keys=ON",
        "secure_delete=ON",  # erased disclosures are overwritten, not only unlinked
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _distrust_connection(context: ExceptionContext) -> None:
    """After an error of the disk, open the file anew. Above all when it could be opened for reading
    only: SQLite falls back to that by itself, and the pool would keep such a connection for long.
    """
    refused = context.connection is not None and context.connection.info.get("writes") is False
    name = getattr(context.original_exception, "sqlite_errorname", "")
    if name.startswith(_DISK_ERRORS) and not refused:
        context.is_disconnect = True


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dossier_immediate", True)
    if connection.info.get("writes") is not writes:
        # A writer asks for its lock again and again; once it has it, nothing makes it wait.
        connection.info["writes"] = None
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        pause = BUSY_STEP_MS if writes else BUSY_TIMEOUT_MS
        connection.exec_driver_sql(f"PRAGMA busy_timeout={pause}")
        connection.info["writes"] = writes
    if not writes:
        connection.exec_driver_sql("BEGIN")
        return
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return


def _configure_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_TIMEOUT_MS}")
        # A commit is acknowledged only when it is on disk, whatever the server's default.
        cursor.execute("SET synchronous_commit = on")
    connection.commit()


def _remember_process(_connection: object, record: Any) -> None:
    record.info["pid"] = os.getpid()


def _refuse_inherited_connection(_connection: object, record: Any, proxy: Any) -> None:
    """A forked worker must not speak on its parent's connection: two voices on one socket, or (on
    SQLite) file locks lost at the first close. The pool answers by connecting anew.
    """
    if record.info["pid"] != os.getpid():
        record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError


def _remember_use(_connection: object, record: Any) -> None:
    record.info["given_back"] = time.monotonic()


def _refuse_dead_connection(connection: Any, record: Any, _proxy: object) -> None:
    """Not after every use: a question and its answer cost as much as a query."""
    given_back = record.info.get("given_back")
    if given_back is None or time.monotonic() - given_back <= POOL_TRUST_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except DriverError as error:
        raise DisconnectionError from error
