"""SQL: one database an instance, SQLite or PostgreSQL behind the same promises."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from audit.ports import LogStore
from exchange.usecases.ports import Transactions
from storage.database.copying import copy_rows, insert_rows
from storage.database.engine import make_engine
from storage.database.group_commit import GroupCommit
from storage.database.high_water import FileHighWater
from storage.database.log_store import SqlLogStore
from storage.database.turns import WritingTurns
from storage.database.unit_of_work import readings, unordered, writings
from storage.database.versions import check_schema, current, downgrade, migrate


@dataclass(frozen=True)
class Database:
    """One open database. Open it after forking workers; ``close`` gives its connections back."""

    transactions: Transactions
    """For every unit of work that may write: one at a time, on all workers and hosts."""
    readings: Transactions
    """For units of work that only read: one snapshot, beside any writer; writing is refused."""
    unordered: Transactions
    """For units of work that write what no decision and no event hangs on: beside any other."""
    log_store: LogStore
    _engine: Engine

    def check_schema(self) -> None:
        """Raises SchemaVersionError unless the schema is exactly this program's."""
        check_schema(self._engine)

    def close(self) -> None:
        """Close all pooled connections."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open ``sqlite:////path`` or ``postgresql://…``; raises StorageConfigurationError. Connects
    at first use.
    """
    engine = make_engine(url)
    turns = WritingTurns.on(engine)
    commits = GroupCommit(engine, turns.work)
    return Database(
        transactions=writings(commits),
        readings=readings(engine),
        unordered=unordered(engine, commits),
        log_store=SqlLogStore(engine, turns),
        _engine=engine,
    )


__all__ = [
    "Database",
    "FileHighWater",
    "copy_rows",
    "current",
    "downgrade",
    "insert_rows",
    "migrate",
    "open_database",
]
