"""Schema versions: arriving at the tables that the program uses, and refusing any other."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from storage.database import current, downgrade, migrate, open_database
from storage.database.engine import make_engine
from storage.database.schema import TABLES, full_metadata
from storage.database.versions import newest
from storage.errors import SchemaVersionError, StorageConfigurationError, StorageError


def described(engine: Engine) -> dict[str, Any]:
    """All that the database knows of its tables, in a form that compares."""
    seen = inspect(engine)
    found: dict[str, Any] = {}
    for table in seen.get_table_names():
        if table == "alembic_version":
            continue
        columns = [{**each, "type": str(each["type"])} for each in seen.get_columns(table)]
        found[table] = {
            "columns": columns,
            "primary": seen.get_pk_constraint(table),
            "foreign": sorted(map(str, seen.get_foreign_keys(table))),
            "unique": sorted(map(str, seen.get_unique_constraints(table))),
            "checks": sorted(map(str, seen.get_check_constraints(table))),
            "indexes": sorted(map(spelled, seen.get_indexes(table))),
        }
    return found


def spelled(index: Any) -> str:
    """An index as text; the clause of a partial one by its words, not by its address."""
    options = {key: str(value) for key, value in index["dialect_options"].items()}
    return str({**index, "dialect_options": options})


def stamp(url: str, version: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    engine.dispose()


def test_migrating_gives_exactly_the_tables_of_the_program(
    database_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Columns, keys, checks and indexes are those that the program declares: the migrations and
    the tables are written by hand, twice, and must agree."""
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, full_metadata()) == []
    migrated = described(engine)
    engine.dispose()
    if database_url.startswith("sqlite"):
        declared_engine = make_engine(f"sqlite:///{tmp_path}/declared.db", create=True)
    else:
        declared_engine = make_engine(request.getfixturevalue("postgres").new_database())
    full_metadata().create_all(declared_engine)
    assert migrated == described(declared_engine)
    declared_engine.dispose()
    assert set(migrated) == {table.name for table in TABLES}


def test_migrating_again_changes_nothing(database_url: str) -> None:
    """`dossier migrate` can be run at every start."""
    migrate(database_url)
    assert current(database_url) == newest()


def test_downgrade_removes_every_table_and_upgrade_brings_them_back(database_url: str) -> None:
    """Down and up again ends where it began."""
    engine = make_engine(database_url)
    before = described(engine)
    downgrade(database_url, "base")
    assert current(database_url) is None
    assert described(engine) == {}
    migrate(database_url)
    assert described(engine) == before
    engine.dispose()


def test_the_schema_of_this_program_is_accepted(database_url: str) -> None:
    """A migrated database is served."""
    database = open_database(database_url)
    database.check_schema()
    database.close()


def test_an_empty_database_is_refused(database_url: str) -> None:
    """The service never starts on a database without tables."""
    downgrade(database_url, "base")
    database = open_database(database_url)
    with pytest.raises(SchemaVersionError, match="dossier migrate"):
        database.check_schema()
    database.close()


def test_an_unknown_version_is_refused_everywhere(database_url: str) -> None:
    """A database of a newer program is neither served nor migrated: older code would misread it."""
    stamp(database_url, "9999")
    database = open_database(database_url)
    with pytest.raises(SchemaVersionError, match="9999"):
        database.check_schema()
    database.close()
    with pytest.raises(SchemaVersionError, match="9999"):
        migrate(database_url)


def test_a_target_that_does_not_exist_is_refused(database_url: str) -> None:
    """A mistyped version is an error of ours, and changes nothing."""
    with pytest.raises(SchemaVersionError):
        migrate(database_url, "7777")
    assert current(database_url) == newest()


def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    """Half a schema is never kept: the tables come together or not at all."""
    engine = make_engine(empty_url, create=True)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE idempotency (x INTEGER)"))  # the last one, in the way
    with pytest.raises(StorageError):
        migrate(empty_url)
    assert set(described(engine)) == {"idempotency"}
    assert current(empty_url) is None
    engine.dispose()


def test_a_missing_file_is_not_an_empty_commission(tmp_path: Path) -> None:
    """Opening a mistyped path fails and creates no file."""
    with pytest.raises(StorageConfigurationError, match="dossier migrate"):
        open_database(f"sqlite:///{tmp_path}/mistyped.db")
    assert list(tmp_path.iterdir()) == []


def test_the_database_file_is_private(tmp_path: Path) -> None:
    """Only the service's account reads the database and the files that SQLite puts beside it."""
    url = f"sqlite:///{tmp_path}/new/dossier.db"
    migrate(url)
    database = open_database(url)
    with database.transactions() as work:
        work.challenges.drop_expired(_any_moment())
        work.commit()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys(["dossier.db", "dossier.db-wal", "dossier.db-shm"], 0o600)
    database.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x", "mysql://h/d"]
)
def test_other_addresses_are_refused(url: str) -> None:
    """An address that cannot last, or of another engine, is a configuration error."""
    with pytest.raises(StorageConfigurationError):
        open_database(url)


def _any_moment() -> Any:
    from tests.support.stores import NOW

    return NOW
