"""Alembic's entry: runs on the connection that ``storage.database.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from storage.database.schema import full_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=full_metadata(),
    # SQLite's DDL is transactional once BEGIN is ours (engine.py): half a migration never stays.
    transactional_ddl=True,
)
context.run_migrations()
