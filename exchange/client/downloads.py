"""Fetching the payloads of a pack: several at once, taken up where they broke off, in constant memory.

What arrives lies in the profile under a temporary name until the pack has its own: a command that was
killed, or a line that broke, costs what was under way and no more. It is ciphertext without its header,
which opens for nobody; and nothing of it is used before all of it has the digest that its depositor
signed, whenever its bytes came.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from crypto.statements.exchange import Manifest
from exchange.client.ahead import ahead
from exchange.client.desk import Desk
from exchange.client.errors import (
    InterruptedDownloadError,
    NotPossibleError,
    NotTrustworthyError,
    TransportError,
)
from exchange.client.files import FILE_MODE, unwritable

if TYPE_CHECKING:
    from hashlib import _Hash

DOWNLOAD_WORKERS: Final = 4
"""Payloads fetched at once: a long way fills, and the service's threads are left for others."""

MAX_RESUMES: Final = 5
"""Broken downloads taken up again in one command; after that the line is not good enough."""

RESUME_PAUSE_SECONDS: Final = 1.0
"""Before a broken download is taken up: a worker that died is back by then."""

PARTIAL_LIFETIME: Final = timedelta(days=14)
"""After that nobody comes back for a broken download; most sittings are over, and the disk is small."""

READ_BYTES: Final = 1_048_576

FOLDER: Final = "downloads"


@contextmanager
def downloading(
    desk: Desk, sitting: str, manifests: Sequence[Manifest]
) -> Iterator[Iterator[BinaryIO]]:
    """The payloads of ``manifests`` in their order, each verified and at its beginning.

    They are closed and, if the block ends without an error, deleted at its end. Raises
    InterruptedDownloadError when the line is too bad, NotTrustworthyError when a payload is not the
    one that was signed.
    """
    folder = desk.profile.path(FOLDER, sitting, "x").parent
    forget_old(desk, besides=sitting)
    with ExitStack() as open_files:
        coming = _Coming(desk, folder, manifests, open_files)
        files = ahead(coming.fetch, manifests, DOWNLOAD_WORKERS)
        try:
            yield files
        finally:
            _end(files)
    shutil.rmtree(folder, ignore_errors=True)


def forget_of(desk: Desk, sitting: str) -> None:
    """Delete what is under way of a sitting: its reader stepped aside from one of its dossiers."""
    shutil.rmtree(desk.profile.directory / FOLDER / sitting, ignore_errors=True)


def forget_old(desk: Desk, *, besides: str) -> None:
    """Delete what was never taken up again, of other sittings."""
    limit = (desk.machine.clock() - PARTIAL_LIFETIME).timestamp()
    for folder in (desk.profile.directory / FOLDER).glob("*"):
        if folder.name != besides and folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


def _end(files: Iterator[BinaryIO]) -> None:
    """Wait for the threads: no file may be closed under one of them."""
    close = getattr(files, "close", None)
    if close is not None:
        close()


class _Coming:
    """The payloads under way, and one bar for all of them."""

    def __init__(
        self, desk: Desk, folder: Path, manifests: Sequence[Manifest], open_files: ExitStack
    ) -> None:
        self._desk = desk
        self._folder = folder
        self._open_files = open_files
        self._lock = threading.Lock()
        total = sum(each.length for each in manifests)
        self._bar = desk.machine.progress.begin("Téléchargement", total)

    def fetch(self, manifest: Manifest) -> BinaryIO:
        """One payload, whole and verified, at its beginning."""
        file = self._open(manifest)
        kept, state = self._kept(manifest, file)
        length = self._stream(manifest, file, kept, state)
        if not _is(manifest, length, state) and kept:
            # What an earlier command left does not fit: the disk is at fault, or was written to.
            self._advance(-length)
            file.seek(0)
            file.truncate()
            state = hashlib.sha256()
            length = self._stream(manifest, file, 0, state)
        if not _is(manifest, length, state):
            file.seek(0)
            file.truncate()  # or the next command would believe that it only has to go on
            file.flush()
            raise altered(manifest)
        file.seek(0)
        return file

    def _open(self, manifest: Manifest) -> BinaryIO:
        path = self._folder / f"{manifest.deposit}.partial"
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            # Unbuffered: a command that is killed leaves all that it received.
            file = os.fdopen(os.open(path, flags, FILE_MODE), "r+b", buffering=0)
        except OSError as error:
            raise unwritable(path, error) from error
        with self._lock:
            self._open_files.callback(file.close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise NotPossibleError(
                "Une autre commande télécharge déjà cette séance dans ce profil : attendez qu'elle "
                "finisse."
            ) from error
        return file

    def _kept(self, manifest: Manifest, file: BinaryIO) -> tuple[int, _Hash]:
        """How much an earlier command left, and its hash so far."""
        state, length = hashlib.sha256(), 0
        if os.fstat(file.fileno()).st_size > manifest.length:
            file.truncate(0)
        while piece := file.read(READ_BYTES):
            state.update(piece)
            length += len(piece)
        self._advance(length)
        return length, state

    def _stream(self, manifest: Manifest, file: BinaryIO, length: int, state: _Hash) -> int:
        """Fetch the rest; the length reached."""
        attempt = 0
        while length < manifest.length:
            begun_at = length
            try:
                for piece in self._desk.api.payload(manifest.deposit, length):
                    length += len(piece)
                    if length > manifest.length:
                        raise altered(manifest)
                    state.update(piece)
                    _write_all(file, piece)
                    self._advance(len(piece))
            except TransportError as error:
                attempt += 1
                if attempt > MAX_RESUMES or length == begun_at == 0:
                    raise _interrupted(error) from error
                self._desk.machine.pause(RESUME_PAUSE_SECONDS)
            except OSError as error:
                raise unwritable(self._folder, error) from error
            else:
                break  # the server says that this is all
        return length

    def _advance(self, count: int) -> None:
        with self._lock:
            self._bar(count)


def _is(manifest: Manifest, length: int, state: _Hash) -> bool:
    return length == manifest.length and state.hexdigest() == manifest.sha256


def _write_all(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _interrupted(reason: TransportError) -> InterruptedDownloadError:
    return InterruptedDownloadError(
        "{reason} Ce qui est déjà reçu attend, chiffré, dans votre profil : relancez la même commande, "
        "elle reprend où elle en était.",
        reason=reason,
    )


def altered(manifest: Manifest) -> NotTrustworthyError:
    """What to raise when a payload is not the one that was signed."""
    return NotTrustworthyError(
        "Le contenu chiffré du dossier « {reference} » n'est pas, octet pour octet, celui que "
        "l'association a signé : rien n'a été écrit. Recommencez ; si cela se répète, prévenez le "
        "secrétariat.",
        reference=manifest.dossier,
    )
