"""A database in use goes to this program's version and back, from every version that there was."""

from __future__ import annotations

from typing import Any, Final

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Boolean,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
)

from storage.database import current, downgrade, migrate
from storage.database import versions as program
from storage.database.engine import make_engine
from storage.database.versions import newest

REVISIONS: Final = sorted(
    each.revision for each in ScriptDirectory.from_config(program._config()).walk_revisions()
)

EMPTIED: Final = {"idempotency": "0004"}
"""Tables that a revision empties, and which: keys of minutes ago, whose retry is a new request."""

ROWS: Final = 3

ONE_ROW: Final = {"log_published"}
"""Tables that hold one row, by a check."""


def value_of(table: Table, column: Any, number: int) -> Any:
    """Something that the column takes; another in each row."""
    kind = column.type
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, BigInteger | Integer):
        return number
    if isinstance(kind, LargeBinary):
        return bytes([number]) * 32
    if isinstance(kind, String):
        return "abc"[number - 1] * min(kind.length or 26, 64)
    raise AssertionError(f"{table.name}.{column.name}: {kind}")


def rows_of(table: str) -> int:
    """How many rows a table is filled with."""
    return 1 if table in ONE_ROW else ROWS


def fill(engine: Engine) -> None:
    """A few rows in every table that this version has, whatever tables those are."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name == "alembic_version":
                continue
            for number in range(1, rows_of(table.name) + 1):
                row = {each.name: value_of(table, each, number) for each in table.columns}
                connection.execute(insert(table).values(row))


def kept(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, column by column."""
    metadata = MetaData()
    metadata.reflect(engine)
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name != "alembic_version":
                rows = connection.execute(select(table)).mappings()
                found[table.name] = sorted((dict(each) for each in rows), key=str)
    return found


def assert_survived(before: dict[str, list[dict[str, Any]]], after: Any, start: str) -> None:
    """Each row is there, with at least the columns that it had."""
    for table, rows in before.items():
        if EMPTIED.get(table, "") > start:
            assert after[table] == []
            continue
        assert len(after[table]) == len(rows), table
        for was, now in zip(rows, after[table], strict=True):
            assert {name: now[name] for name in was} == was, table


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_in_use_goes_up_and_down(empty_url: str, revision: str) -> None:
    """Whatever is in the tables of an earlier version is there after the upgrade, and after the way
    back; what a revision adds can be filled, and goes with it."""
    migrate(empty_url, revision)
    engine = make_engine(empty_url)
    fill(engine)
    before = kept(engine)
    assert all(len(rows) == rows_of(table) for table, rows in before.items())
    migrate(empty_url)
    assert current(empty_url) == newest()
    assert_survived(before, kept(engine), revision)
    downgrade(empty_url, revision)
    assert current(empty_url) == revision
    back = kept(engine)
    assert set(back) == set(before)
    assert_survived(before, back, revision)
    downgrade(empty_url, "base")
    assert kept(engine) == {}
    engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_full_database_of_this_version_goes_down(empty_url: str, revision: str) -> None:
    """Going back from a database in use never fails on what is in the newer tables."""
    migrate(empty_url)
    engine = make_engine(empty_url)
    fill(engine)
    downgrade(empty_url, revision)
    assert current(empty_url) == revision
    migrate(empty_url)
    assert current(empty_url) == newest()
    engine.dispose()
