"""Which schema version a database has, and bringing it to ours (Alembic, run by the program)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from storage.database.engine import make_engine
from storage.database.errors import business_error
from storage.errors import SchemaVersionError

_FOLDER: Final = Path(__file__).parent / "migrations"

_MIGRATION_LOCK: Final = 0x646F_7373
"""PostgreSQL advisory lock ("doss"): two hosts that start together migrate one after the other."""


def newest() -> str:
    """The schema version of this program."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the program contains no migration"
    return head


def migrate(url: str, target: str = "head") -> None:
    """Create the database where it is missing, and bring its schema to ``target``. All or nothing;
    a version that this program does not know raises SchemaVersionError.
    """
    _run(url, target, upgrade=True)


def downgrade(url: str, target: str) -> None:
    """Go back to an older version (``base``: no tables at all). Data of what goes is lost."""
    _run(url, target, upgrade=False)


def current(url: str) -> str | None:
    """The schema version of a database; None for an empty one."""
    engine = make_engine(url)
    try:
        return version_of(engine)
    finally:
        engine.dispose()


def version_of(engine: Engine) -> str | None:
    """The schema version behind an engine; None for an empty database."""
    try:
        with engine.connect() as connection:
            connection.execution_options(dossier_immediate=False)
            heads = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError as error:
        raise business_error(error) from error
    return ",".join(sorted(heads)) or None


def check_schema(engine: Engine) -> None:
    """Raises SchemaVersionError unless the database has exactly this program's version."""
    found, due = version_of(engine), newest()
    if found is None:
        raise SchemaVersionError("La base de données est vide. Lancez « dossier migrate ».")
    if found == due:
        return
    if found in _known():
        raise SchemaVersionError(
            "La base de données est à la version {found}, ce programme attend {due}. "
            "Sauvegardez-la, puis lancez « dossier migrate ».",
            found=found,
            due=due,
        )
    raise _unknown(found)


def _run(url: str, target: str, *, upgrade: bool) -> None:
    engine = make_engine(url, create=upgrade)
    try:
        with engine.begin() as connection:
            _lock(connection)
            _refuse_unknown(connection)
            config = _config()
            config.attributes["connection"] = connection
            (command.upgrade if upgrade else command.downgrade)(config, target)
    except SQLAlchemyError as error:
        raise business_error(error) from error
    except CommandError as error:
        raise SchemaVersionError(
            "La version de schéma « {target} » n'existe pas.", target=target
        ) from error
    finally:
        engine.dispose()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _refuse_unknown(connection: Connection) -> None:
    for head in MigrationContext.configure(connection).get_current_heads():
        if head not in _known():
            raise _unknown(head)


def _known() -> frozenset[str]:
    script = ScriptDirectory.from_config(_config())
    return frozenset(each.revision for each in script.walk_revisions())


def _unknown(found: str) -> SchemaVersionError:
    return SchemaVersionError(
        "La base de données est à la version {found}, inconnue de ce programme : elle vient d'une "
        "version plus récente. Installez celle-ci ; ne revenez pas en arrière sans sauvegarde.",
        found=found,
    )


def _config() -> Config:
    config = Config()
    # Alembic reads options with configparser's interpolation: a lone % in a path would break it.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
