"""The unit of work: one SQL transaction, seen as the use cases' ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from exchange.usecases.ports import Transactions, UnitOfWork
from storage.database.challenges import SqlChallenges
from storage.database.deposits import SqlDeposits
from storage.database.engine import Mode, transaction
from storage.database.errors import business_error
from storage.database.events import SqlEvents
from storage.database.group_commit import GroupCommit
from storage.database.idempotency import SqlIdempotency
from storage.database.notices import SqlContacts, SqlNotices
from storage.database.rates import SqlRates
from storage.database.releases import SqlReleases
from storage.database.statements import SqlStatements
from storage.database.transaction import Transaction


@dataclass(frozen=True)
class SqlUnitOfWork:
    """Implements ``usecases.ports.UnitOfWork``."""

    statements: SqlStatements
    deposits: SqlDeposits
    releases: SqlReleases
    challenges: SqlChallenges
    idempotency: SqlIdempotency
    rates: SqlRates
    events: SqlEvents
    contacts: SqlContacts
    notices: SqlNotices
    _transaction: Transaction

    def commit(self) -> None:
        """Make everything durable together; the unit of work is over."""
        self._transaction.commit()


def writings(commits: GroupCommit) -> Transactions:
    """What begins a unit of work that may write: ``with begin() as work: …; work.commit()``."""

    def begin() -> AbstractContextManager[UnitOfWork]:
        return _unit_of_work(commits.unit())

    return begin


def readings(engine: Engine) -> Transactions:
    """What begins a unit of work that only reads."""

    def begin() -> AbstractContextManager[UnitOfWork]:
        return _unit_of_work(transaction(engine, Mode.READ, business_error))

    return begin


def unordered(engine: Engine, commits: GroupCommit) -> Transactions:
    """What begins a unit of work that waits for no other where the database can do without: SQLite
    has one writer in any case.
    """
    if engine.dialect.name == "sqlite":
        return writings(commits)

    def begin() -> AbstractContextManager[UnitOfWork]:
        return _unit_of_work(transaction(engine, Mode.UNORDERED, business_error))

    return begin


@contextmanager
def _unit_of_work(opened: AbstractContextManager[Transaction]) -> Iterator[UnitOfWork]:
    with opened as begun:
        yield SqlUnitOfWork(
            SqlStatements(begun),
            SqlDeposits(begun),
            SqlReleases(begun),
            SqlChallenges(begun),
            SqlIdempotency(begun),
            SqlRates(begun),
            SqlEvents(begun),
            SqlContacts(begun),
            SqlNotices(begun),
            begun,
        )
