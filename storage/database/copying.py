"""All rows of a database as text, and back: what a backup holds, whichever engine is below.

One JSON object a row, by the tables' own names and types, so that a copy made on SQLite can be
restored on PostgreSQL. Reading sees one snapshot, beside any writer.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, Table, func, insert, select, text

from storage.database.engine import Mode, make_engine, transaction
from storage.database.errors import business_error
from storage.database.log_tables import log_entries
from storage.database.schema import TABLES, full_metadata
from storage.database.transaction import Transaction
from storage.database.versions import check_schema
from storage.errors import CorruptStorageError, StorageConfigurationError

ROWS_AT_A_TIME: Final = 500
"""Rows held in memory together; the largest hold an envelope or a statement of some kilobytes."""

_BYTES, _INSTANT = "bytes", "instant"


def copy_rows(url: str) -> Iterator[tuple[str, bytes]]:
    """(table, up to 500 rows as lines of JSON), of one snapshot, tables before those that refer to
    them.
    """
    engine = make_engine(url)
    try:
        check_schema(engine)
        with transaction(engine, Mode.READ, business_error) as reading:
            for table in _tables():
                yield from _table_rows(reading, table)
    finally:
        engine.dispose()


def insert_rows(url: str, pieces: Iterable[tuple[str, bytes]]) -> int:
    """Fill a migrated, empty database, all or nothing; how many rows.

    Raises StorageConfigurationError when it is not empty: a copy never mixes with another log.
    """
    known = {table.name: table for table in TABLES}
    engine, count = make_engine(url), 0
    try:
        check_schema(engine)
        with transaction(engine, Mode.WRITE, business_error) as writing:
            _require_empty(writing)
            for name, lines in pieces:
                if name not in known:
                    raise CorruptStorageError("Cette sauvegarde contient une table inconnue.")
                rows = [_decoded(line) for line in lines.splitlines()]
                if rows:
                    writing.change(insert(known[name]), rows)
                count += len(rows)
            _advance_tickets(engine, writing)
            writing.commit()
    finally:
        engine.dispose()
    return count


def _tables() -> list[Table]:
    kept = {table.name for table in TABLES}
    return [table for table in full_metadata().sorted_tables if table.name in kept]


def _table_rows(reading: Transaction, table: Table) -> Iterator[tuple[str, bytes]]:
    offset = 0
    while True:
        query = select(table).order_by(*table.primary_key.columns)
        rows = reading.rows(query.offset(offset).limit(ROWS_AT_A_TIME))
        if not rows:
            return
        yield table.name, b"\n".join(_encoded(row._asdict()) for row in rows)
        offset += len(rows)


def _require_empty(writing: Transaction) -> None:
    for table in TABLES:
        if writing.scalar(select(func.count()).select_from(table)):
            raise StorageConfigurationError(
                "La base de données n'est pas vide : une sauvegarde se restaure dans une base neuve."
            )


def _advance_tickets(engine: Engine, writing: Transaction) -> None:
    """SQLite follows by itself; PostgreSQL's sequence must be told which tickets are taken."""
    if engine.dialect.name == "postgresql":
        last = writing.scalar(select(func.max(log_entries.c.ticket)))
        if last is not None:
            sequence = "SELECT setval(pg_get_serial_sequence('log_entries', 'ticket'), :last)"
            writing.rows(text(sequence).bindparams(last=last))


def _encoded(row: dict[str, Any]) -> bytes:
    return json.dumps({name: _plain(value) for name, value in row.items()}).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {_BYTES: b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, datetime):
        return {_INSTANT: value.isoformat()}
    return value


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        return {name: _value(value) for name, value in json.loads(line).items()}
    except (ValueError, AttributeError, KeyError) as error:
        raise CorruptStorageError("Une ligne de cette sauvegarde est illisible.") from error


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if _BYTES in value:
        return b64decode(value[_BYTES], validate=True)
    return datetime.fromisoformat(value[_INSTANT])
