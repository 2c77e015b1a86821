"""Which engines a running service gets in a test: its own files, or servers that stand ready.

``python -m tests.engines`` starts PostgreSQL and an S3 service and names them in the environment;
the same tests then run on them.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from storage.objects.s3_bucket import Bucket, Credentials, make_client

POSTGRES_VARIABLE = "TEST_POSTGRES_SOCKET"
"""The folder of the server's socket."""
S3_VARIABLE = "TEST_S3_ENDPOINT"
S3_ADMIN_VARIABLE = "TEST_S3_ADMIN"
"""The administrator's key pair, ``access:secret``: it makes each test's bucket."""
DATA_VARIABLE = "TEST_ENGINE_DATA"
"""Where both servers keep their files, separated by ``:``."""


@dataclass(frozen=True)
class Addresses:
    """Where one instance keeps its rows and its ciphertexts."""

    database: str
    objects: str


def addresses(server: Path) -> Addresses:
    """A new database and a new place for objects; files below ``server`` unless servers run."""
    if POSTGRES_VARIABLE not in os.environ:
        objects = quote(str(server / "objects"))
        return Addresses(f"sqlite:///{server / 'database.sqlite'}", f"file://{objects}")
    return Addresses(_new_database(os.environ[POSTGRES_VARIABLE]), _new_bucket())


def engine_data() -> list[Path]:
    """Where the servers of this run keep what they are given; empty without servers."""
    return [Path(each) for each in os.environ.get(DATA_VARIABLE, "").split(":") if each]


def _new_database(folder: str) -> str:
    name = f"instance_{os.urandom(8).hex()}"
    where = f"host={folder} user=dossier dbname=postgres"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://dossier@/{name}?host={folder}"


def _new_bucket() -> str:
    endpoint = os.environ[S3_VARIABLE]
    access, _, secret = os.environ[S3_ADMIN_VARIABLE].partition(":")
    name = f"instance-{os.urandom(8).hex()}"
    admin = make_client(Bucket("any", endpoint, "us-east-1"), Credentials(access, secret))
    admin.create_bucket(Bucket=name)
    return f"s3://{name}/instance?endpoint={quote(endpoint)}"


def set_aside(database: str) -> None:
    """Keep what a database holds now, for ``put_back``. A file is copied with its directory by the test
    itself. Nobody may be connected.
    """
    if not database.startswith("sqlite"):
        _as_administrator(database, 'CREATE DATABASE "{name}_aside" TEMPLATE "{name}"')


def put_back(database: str) -> None:
    """The database as it was when it was set aside."""
    if not database.startswith("sqlite"):
        _as_administrator(database, 'DROP DATABASE "{name}"')
        _as_administrator(database, 'ALTER DATABASE "{name}_aside" RENAME TO "{name}"')


def stored_bytes(database: str) -> bytes:
    """All that a database holds: a file with what was deleted in it, or every row of every table."""
    if database.startswith("sqlite"):
        path = Path(database.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    with psycopg.connect(_driver_url(database)) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return b"".join(_rows(connection, str(name)) for (name,) in found.fetchall())


def _rows(connection: psycopg.Connection[Any], table: str) -> bytes:
    query = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
    with connection.cursor().copy(query) as copy:
        return b"".join(bytes(each) for each in copy)


def _as_administrator(database: str, statement: str) -> None:
    url = urlsplit(_driver_url(database))
    name = url.path.removeprefix("/")
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(statement.format(name=name).encode())


def _driver_url(database: str) -> str:
    return database.replace("postgresql+psycopg:", "postgresql:", 1)
