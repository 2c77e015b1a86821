"""Counts in windows of time, shared by all workers and hosts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from exchange.usecases.request_ports import Counted
from storage.database.metadata import Digest64, metadata
from storage.database.transaction import Transaction

rates = Table(
    "rates",
    metadata,
    Column("scope", String(32), primary_key=True),
    Column("who", Digest64, primary_key=True),
    Column("number", BigInteger, nullable=False, index=True),
    Column("total", Integer, nullable=False),
)
"""One small row a name, whatever happens; ``number`` is the window's."""


_COUNTED = select(rates.c.number, rates.c.total).where(
    rates.c.scope == bindparam("in_scope"), rates.c.who == bindparam("of")
)


_SEEN = select(rates.c.who, rates.c.total).where(
    rates.c.scope == bindparam("in_scope"),
    rates.c.who.in_(bindparam("of", expanding=True)),
    rates.c.number == bindparam("in_window"),
)


class SqlRates:
    """Implements ``usecases.ports.Rates``. Read, then written: only one writes at a time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, scope: str, who: str, window: int) -> Counted:
        """Count one more in window number ``window``."""
        row = self._row(scope, who)
        if row is None:
            self._transaction.change(
                insert(rates).values(scope=scope, who=who, number=window, total=1)
            )
            return Counted(1, 0)
        same = row.number == window
        count = row.total + 1 if same else 1
        self._transaction.change(
            update(rates)
            .where(rates.c.scope == scope, rates.c.who == who)
            .values(number=window, total=count)
        )
        return Counted(count, 0 if same else row.total)

    def seen(self, scope: str, who: Collection[str], window: int) -> Mapping[str, int]:
        """How many were counted in it, of those of whom there were any."""
        wanted = {"in_scope": scope, "of": sorted(set(who)), "in_window": window}
        return {row.who: row.total for row in self._transaction.rows(_SEEN, wanted)}

    def drop_before(self, window: int) -> None:
        """Forget the windows before ``window``."""
        self._transaction.change(delete(rates).where(rates.c.number < window))

    def _row(self, scope: str, who: str) -> Row[tuple[int, int]] | None:
        return self._transaction.row(_COUNTED, {"in_scope": scope, "of": who})
