"""A throw-away PostgreSQL server on a Unix socket, where the programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

PROGRAMS = Path("/usr/lib/postgresql")
OWNER = "postgres"
TIMEOUT_S = 60


def find_programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl`` of the newest version; None when absent."""
    if PROGRAMS.is_dir():
        versions = [each for each in PROGRAMS.iterdir() if (each / "bin" / "initdb").exists()]
        newest = sorted(versions, key=lambda each: float(each.name))[-1:]
        if newest:
            return newest[0] / "bin"
    found = shutil.which("initdb")
    return Path(found).parent if found else None


class PostgresServer:
    """A running server; each test takes a database of its own."""

    def __init__(self, folder: Path, run: Callable[..., None]) -> None:
        self.folder = folder
        self._run = run
        self._numbers = count(1)

    def new_database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://dossier@/{name}?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c full_page_writes=off"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-w", "-s", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Break every connection and end, as a crash would."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-s", "stop")

    def end_sessions(self, database: str) -> None:
        """End every session of a database, as an administrator or a failover does."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (database,),
            )

    def _address(self, database: str) -> str:
        return f"host={self.folder} user=dossier dbname={database}"


@contextmanager
def postgres_server(programs: Path) -> Iterator[PostgresServer]:
    """Start a server that listens on a socket in a folder of its own, and stop it at the end."""
    # Not pytest's own folder: PostgreSQL refuses root, and its account may not enter there; and a
    # Unix socket's path may be 107 characters long.
    folder = Path(tempfile.mkdtemp(prefix="dossier-pg-", dir="/tmp"))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, OWNER)
    data = str(folder / "data")
    prefix = ["runuser", "-u", OWNER, "--"] if as_root else []

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*prefix, str(programs / program), *arguments],
            check=True,
            cwd=folder,
            timeout=TIMEOUT_S,
            stdout=subprocess.DEVNULL,
        )

    server = PostgresServer(folder, run)
    run(
        "initdb", "-D", data, "-U", "dossier", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
    )
    try:
        server.start()
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
