"""``dossier backup``: everything that the service keeps, in one age file.

A POSIX tar: ``backup.json`` (format, schema, origin, when), ``files/`` (pinned trust, log key, cookie
secret), ``rows/<table>/<n>`` (one snapshot of the database, as lines of JSON), ``objects/<name>``.
Rows come first and from one snapshot; an object, once committed, never changes, so those that the
rows name are read after it. Never in it: the broker's directory (a release key in a backup would
outlive its destruction) and the high-water mark (with it a restored old log would look whole).
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from crypto.age.encrypt import encrypt_stream
from crypto.age.recipients import parse_recipient
from crypto.age.streams import Pieces, Writable
from crypto.encoding import format_instant
from crypto.keys import Entropy
from exchange.settings import Settings
from exchange.usecases.errors import ObjectMissingError
from exchange.usecases.ports import Clock
from storage.database import copy_rows, current
from storage.objects import open_objects

FORMAT: Final = "dossier-exchange-backup/v1"
TAR_BLOCK: Final = 512
TRUST, LOG_KEY, COOKIE_SECRET = "files/trust.json", "files/log.key", "files/cookie.secret"
HEAD: Final = "backup.json"


@dataclass
class Saved:
    """What went into a backup."""

    rows: int = 0
    objects: int = 0
    gone: list[str] = field(default_factory=list)
    """Objects that a purge deleted after the snapshot."""


def back_up(
    settings: Settings, recipient: str, sink: Writable, *, clock: Clock, entropy: Entropy
) -> Saved:
    """Write the backup to ``sink``, encrypted to an age recipient (``age1pq…``, ``age1…``)."""
    to, saved = parse_recipient(recipient), Saved()
    encrypt_stream(Pieces(_pieces(settings, saved, clock, entropy)), sink, [to], entropy)
    return saved


def _pieces(settings: Settings, saved: Saved, clock: Clock, entropy: Entropy) -> Iterator[bytes]:
    head = {
        "format": FORMAT,
        "made_at": format_instant(clock()),
        "schema": current(settings.database_url),
        "origin": settings.origin,
        "public_url": settings.public_url,
        "listen": settings.listen,
    }
    yield from _entry(HEAD, json.dumps(head, indent=2).encode() + b"\n")
    for name, path in (
        (TRUST, settings.trust_file),
        (LOG_KEY, settings.log_key_file),
        (COOKIE_SECRET, settings.cookie_secret_file),
    ):
        yield from _entry(name, path.read_bytes())
    named: list[str] = []
    for number, (table, lines) in enumerate(copy_rows(settings.database_url)):
        rows = lines.splitlines()
        saved.rows += len(rows)
        if table == "deposits":
            named += _committed(rows)
        yield from _entry(f"rows/{table}/{number:08d}", lines)
    yield from _objects(settings, saved, named, clock, entropy)
    yield bytes(2 * TAR_BLOCK)


def _committed(rows: list[bytes]) -> list[str]:
    """The objects of deposits that were committed: no other was ever acknowledged."""
    read = [json.loads(row) for row in rows]
    return [str(each["object_name"]) for each in read if each["manifest"]]


def _objects(
    settings: Settings, saved: Saved, named: list[str], clock: Clock, entropy: Entropy
) -> Iterator[bytes]:
    store = open_objects(settings.objects_url, clock=clock, entropy=entropy)
    for name in named:
        try:
            size, pieces = store.size(name), store.read(name)
        except ObjectMissingError:  # purged: its row says so, or will in the next backup
            saved.gone.append(name)
            continue
        yield from _member(f"objects/{name}", size, pieces)
        saved.objects += 1


def _entry(name: str, data: bytes) -> Iterator[bytes]:
    return _member(name, len(data), iter([data]))


def _member(name: str, size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    yield info.tobuf(tarfile.PAX_FORMAT)
    yield from pieces
    yield bytes(-size % TAR_BLOCK)
