"""``dossier restore``: a backup into a new directory, an empty database, an empty place for objects.

Nothing existing is replaced. The high-water mark and the broker's keys are in no backup: the operator
puts back the mark that the old machine kept and points to the broker. With both, a backup of the last
state goes on at once, and an older one is recognised (``audit.log``, ``broker.witness``): nothing is
signed until the missing part of the database is found, or the root signs a ``recovery``.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from audit.checkpoint import Checkpoint
from crypto.age.identities import AnyIdentity
from crypto.digests import Digest
from crypto.edge.unseal import open_file
from crypto.errors import CryptoError
from crypto.keys import Entropy
from crypto.statements import parse
from crypto.statements.exchange import Manifest
from exchange.usecases.ports import Clock
from exchange.wiring.backup import COOKIE_SECRET, FORMAT, HEAD, LOG_KEY, TRUST
from exchange.wiring.instance import InstanceError, InstancePlan, write_restored
from storage.database import FileHighWater, current, insert_rows, migrate, open_database
from storage.objects import open_objects

MAX_FILE_BYTES: Final = 65_536
"""Trust, log key and cookie secret have a few hundred bytes each."""

MAX_ROWS_BYTES: Final = 268_435_456
"""256 MiB: 500 rows of the largest kind, statements of half a mebibyte."""

PIECE_BYTES: Final = 1_048_576


@dataclass(frozen=True)
class Restored:
    """What came back."""

    rows: int
    objects: int
    made_at: str
    settings_file: Path
    log_size: int
    """Events in the restored log."""


def restore(
    source: BinaryIO,
    identities: Sequence[AnyIdentity],
    plan: InstancePlan,
    *,
    clock: Clock,
    entropy: Entropy,
) -> Restored:
    """Restore to the places that ``plan`` names; its origin and addresses come from the backup.

    The settings are written last: a restore cut short cannot be served.
    """
    if plan.directory.exists() and any(plan.directory.iterdir()):
        raise InstanceError(
            "Le répertoire « {path} » n'est pas vide : une sauvegarde se restaure dans un neuf.",
            path=plan.directory,
        )
    plaintext = cast("IO[bytes]", open_file(source, identities))
    try:
        with tarfile.open(fileobj=plaintext, mode="r|") as tar:
            return _restore(_Members(tar), plan, clock, entropy)
    except (tarfile.TarError, CryptoError, ValueError, KeyError) as error:
        raise InstanceError(
            "Cette sauvegarde ne peut pas être lue ({reason}) : vérifiez le fichier et la clé.",
            reason=str(error),
        ) from error


class _Members:
    """The members of a backup in their order, one of them looked at ahead of its time."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._next = tar.next()

    def one(self, name: str) -> bytes:
        """The next member, which must have this name."""
        if self._next is None or self._next.name != name:
            raise ValueError(name)
        return self._take(MAX_FILE_BYTES)

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """(table, lines) for as long as members are rows."""
        while self._next is not None and self._next.name.startswith("rows/"):
            table = self._next.name.split("/")[1]
            yield table, self._take(MAX_ROWS_BYTES)

    def objects(self) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """(name, length, pieces) of the rest; pieces must be read before the next."""
        while self._next is not None:
            folder, _, name = self._next.name.partition("/")
            file = self._tar.extractfile(self._next)
            if folder != "objects" or file is None:
                raise ValueError(self._next.name)
            yield name, self._next.size, _pieces(file)
            self._next = self._tar.next()

    def _take(self, limit: int) -> bytes:
        assert self._next is not None
        file = self._tar.extractfile(self._next)
        if file is None or self._next.size > limit:
            raise ValueError(self._next.name)
        data = file.read()
        self._next = self._tar.next()
        return data


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _restore(members: _Members, plan: InstancePlan, clock: Clock, entropy: Entropy) -> Restored:
    head = json.loads(members.one(HEAD))
    if head["format"] != FORMAT:
        raise ValueError(head["format"])
    files = [members.one(name) for name in (TRUST, LOG_KEY, COOKIE_SECRET)]
    migrate(plan.database_url)
    if current(plan.database_url) != head["schema"]:
        raise InstanceError(
            "Cette sauvegarde est au schéma {found}, ce programme au schéma {due} : restaurez avec la "
            "version qui l'a faite, puis mettez à jour.",
            found=head["schema"],
            due=current(plan.database_url),
        )
    rows = insert_rows(plan.database_url, members.rows())
    signed, log_size = _signed(plan.database_url)
    store = open_objects(plan.objects_url, clock=clock, entropy=entropy)
    objects = 0
    for name, length, pieces in members.objects():
        if signed.get(name, (0, ""))[0] != length:
            raise ValueError(name)
        store.put_back(name, length, Digest(signed[name][1]), pieces)
        objects += 1
    named = replace(
        plan, origin=head["origin"], public_url=head["public_url"], listen=head["listen"]
    )
    settings = write_restored(named, *files)
    return Restored(rows, objects, str(head["made_at"]), settings, log_size)


def _signed(database_url: str) -> tuple[dict[str, tuple[int, Digest]], int]:
    """What depositors signed of each object (length, digest), and how long the log is."""
    database = open_database(database_url)
    try:
        note = database.log_store.published()
        with database.readings() as work:
            named = {}
            for digest in [each.digest for each in work.statements.find(Manifest)]:
                envelope = work.statements.envelope(digest)
                assert envelope is not None, "a statement that was found has its envelope"
                manifest = parse(Manifest, envelope).statement
                record = work.deposits.get(manifest.deposit)
                if record is not None and record.object_name is not None:
                    named[record.object_name] = (manifest.length, manifest.sha256)
    finally:
        database.close()
    return named, Checkpoint.of_note(note).size if note else 0


def put_mark_back(mark: Path, directory: Path) -> None:
    """The mark that outlived the old machine, in its place beside the settings."""
    note = FileHighWater(mark).read()
    if note is None:
        raise InstanceError("Il n'y a pas de repère du journal à « {path} ».", path=mark)
    FileHighWater(directory / "high-water.note").write(note)
