"""Units of work that wait for each other anyway share one commit, and so one sync to disk.

Units of work run one after the other (``engine``). When one is done and another thread of this
process is waiting, the transaction stays open and the next unit runs in it, after a savepoint of
its own; the last of the group commits for all. Nothing is weaker by that:

* ``commit`` returns only when the group's commit is on disk. If it fails, every unit of the group
  fails with it, and nothing of any was kept.
* A unit that gives up is undone to its savepoint; the others stay.
* A unit sees what the units before it in the group did, as it would after their commits. It may
  have refused or answered because of it: so it too returns only when the group is on disk, even if
  it wrote nothing itself.

What breaks the transaction (a full disk, a lost connection) fails the whole group: SQLite has then
rolled back by itself, and a savepoint that is gone is noticed when it is released.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.database import engine as limits
from storage.database.engine import Mode, connected
from storage.database.errors import Waited, business_error
from storage.database.transaction import Transaction, commit
from storage.database.turns import Turns

MAX_UNITS: Final = 64
"""Units of work that share a commit: a worker's threads."""

MAX_SECONDS: Final = 0.02
"""A group older than this takes no further unit: the first waits no longer for the others than one
sync of a slow disk takes."""


_INTERRUPTED: Final = Waited("a unit of work of the group was interrupted")


class _Group:
    """An open transaction, and the units that committed in it."""

    def __init__(self, connection: Connection, resources: ExitStack) -> None:
        self.connection = connection
        self.resources = resources
        self.began = time.monotonic()
        self.units = 0
        self.outcome: Future[None] = Future()

    @property
    def is_open_to_others(self) -> bool:
        return self.units < MAX_UNITS and time.monotonic() - self.began < MAX_SECONDS


class _Unit(Transaction):
    """One unit of work's view of its group's transaction."""

    def __init__(self, commits: GroupCommit, group: _Group) -> None:
        super().__init__(group.connection, business_error)
        self._commits = commits
        self._group = group
        self._nested = group.units > 0
        if self._nested:
            group.connection.exec_driver_sql("SAVEPOINT unit")

    @property
    def is_over(self) -> bool:
        return self._over

    def commit(self) -> None:
        """Durable when it returns, with the rest of the group."""
        self._live()
        self.leave(keep=True)

    def leave(self, *, keep: bool) -> None:
        """End this unit; returns when it is known what became of the group."""
        self._over = True
        try:
            self._finish(keep=keep)
        except SQLAlchemyError as error:
            self._commits.close(self._group, error)
        except BaseException:
            self._commits.close(self._group, _INTERRUPTED)
            raise
        else:
            self._group.units += keep
            self._commits.hand_on(self._group)
        try:
            self._group.outcome.result()
        except SQLAlchemyError as error:
            raise business_error(error) from error

    def _finish(self, *, keep: bool) -> None:
        """Make this unit's work part of the group's, or undo it."""
        if not self._nested:
            if not keep:
                self._group.connection.rollback()
            return
        if not keep:
            self._group.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT unit")
        self._group.connection.exec_driver_sql("RELEASE SAVEPOINT unit")


class GroupCommit:
    """The writing units of work on one engine."""

    def __init__(self, engine: Engine, turns: Turns) -> None:
        self._engine = engine
        self._turns = turns
        self._group: _Group | None = None

    @contextmanager
    def unit(self) -> Iterator[Transaction]:
        """A unit of work, undone unless ``commit`` was called inside."""
        unit = self._begun()
        try:
            yield unit
        finally:
            if not unit.is_over:
                unit.leave(keep=False)

    def _begun(self) -> _Unit:
        try:
            self._turns.take(Mode.WRITE, limits.BUSY_TIMEOUT_MS, self._unused)
        except SQLAlchemyError as error:
            raise business_error(error) from error
        group = self._group
        if group is None:
            group = self._group = self._opened()
        try:
            return _Unit(self, group)
        except SQLAlchemyError as error:
            self.close(group, error)
            raise business_error(error) from error
        except BaseException:
            self.close(group, _INTERRUPTED)
            raise

    def _unused(self) -> None:
        """The turn came with an open group, whose units wait for their commit."""
        if self._group is None:
            self._turns.give_back()
        else:
            self.close(self._group)

    def _opened(self) -> _Group:
        resources = ExitStack()
        try:
            connection = resources.enter_context(
                connected(self._engine, Mode.WRITE, business_error)
            )
        except BaseException:
            self._turns.give_back()
            raise
        return _Group(connection, resources)

    def hand_on(self, group: _Group) -> None:
        """Let the next unit join the group, or end it."""
        if not (group.units and group.is_open_to_others and self._turns.hand_on(Mode.WRITE)):
            self.close(group)

    def close(self, group: _Group, broken_by: SQLAlchemyError | None = None) -> None:
        """Commit for all units of the group, or, after a failure, for none."""
        self._group = None
        outcome = broken_by
        try:
            if broken_by is None and group.units:
                outcome = _INTERRUPTED
                commit(group.connection)
                outcome = None
        except SQLAlchemyError as error:
            outcome = error
        finally:
            try:
                _give_up(group, broken=broken_by is not None)
            finally:
                self._turns.give_back()
                if outcome is None:
                    group.outcome.set_result(None)
                else:
                    group.outcome.set_exception(outcome)


def _give_up(group: _Group, *, broken: bool) -> None:
    """Return the connection; what was not committed is rolled back, by the database if need be."""
    with suppress(SQLAlchemyError):
        if broken:
            group.connection.invalidate()
        group.resources.close()
