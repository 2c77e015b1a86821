"""An open transaction: the only door to the database, where foreign exceptions end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.exc import SQLAlchemyError

from storage.database.errors import Translate
from storage.errors import TransactionOverError

Parameters = Mapping[str, Any] | None
"""Values for the statement's bound parameters."""


class Transaction:
    """Statements of one transaction. After ``commit`` or ``end`` it refuses everything: SQLAlchemy
    would silently begin another transaction, and roll it back.
    """

    def __init__(self, connection: Connection, translate: Translate) -> None:
        self._connection = connection
        self._translate = translate
        self._over = False

    def rows(self, statement: Executable, parameters: Parameters = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        connection = self._live()
        try:
            return connection.execute(statement, parameters).all()
        except SQLAlchemyError as error:
            raise self._translate(error) from error

    def row(self, statement: Executable, parameters: Parameters = None) -> Row[Any] | None:
        """The first row of a query."""
        connection = self._live()
        try:
            return connection.execute(statement, parameters).first()
        except SQLAlchemyError as error:
            raise self._translate(error) from error

    def scalar(self, statement: Executable, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None."""
        found = self.row(statement, parameters)
        return None if found is None else found[0]

    def tickets(self, statement: Executable, parameters: Sequence[dict[str, Any]]) -> Sequence[int]:
        """The one number that an INSERT of several rows returns of each, in their order."""
        connection = self._live()
        try:
            found = connection.execute(statement, _alone(parameters)).scalars()
            return [int(each) for each in found]
        except SQLAlchemyError as error:
            raise self._translate(error) from error

    def change(
        self, statement: Executable, parameters: Parameters | Sequence[dict[str, Any]] = None
    ) -> int:
        """Execute a change; the number of rows that it met (one statement only)."""
        connection = self._live()
        try:
            return connection.execute(statement, _alone(parameters)).rowcount
        except SQLAlchemyError as error:
            raise self._translate(error) from error

    def commit(self) -> None:
        """Make everything durable together; nothing can be done after it."""
        connection = self._live()
        self._over = True
        try:
            commit(connection)
        except SQLAlchemyError as error:
            raise self._translate(error) from error

    def end(self) -> None:
        """Refuse everything from here on."""
        self._over = True

    def _live(self) -> Connection:
        if self._over:
            raise TransactionOverError(
                "Cette transaction est terminée : ouvrez une nouvelle unité de travail."
            )
        return self._connection


def _alone(parameters: Parameters | Sequence[dict[str, Any]]) -> Any:
    """Values of a single row are handed over as such: the drivers' ways for many cost more for one."""
    if isinstance(parameters, list) and len(parameters) == 1:
        return parameters[0]
    return parameters


def commit(connection: Connection) -> None:
    """Commit, or get rid of the connection: after a failed COMMIT the transaction may still be open
    and hold the writers' lock, and the pool would not roll it back.
    """
    try:
        connection.commit()
    except SQLAlchemyError:
        connection.invalidate()
        raise
