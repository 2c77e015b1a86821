"""The last signed checkpoint, in a file outside the database.

Restoring an old database does not restore this file (it belongs on another volume, and in no
database backup), so the log notices that it would sign backwards.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.errors import LogStoreUnavailableError
from storage.files import PRIVATE_FILE, replace_file

MAX_NOTE_BYTES: Final = 65_536
"""A checkpoint with its signatures takes some kilobytes; more is not our file."""


class FileHighWater:
    """Implements ``audit.ports.HighWater``. Workers of one host share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The note last written, whole (the file is only ever replaced)."""
        with _wrapped(self._path):
            try:
                with self._path.open("rb") as file:
                    note = file.read(MAX_NOTE_BYTES + 1)
            except FileNotFoundError:
                return None
        if not note or len(note) > MAX_NOTE_BYTES:
            raise LogStoreUnavailableError(
                "Le témoin de hauteur « {path} » est abîmé. Ne le supprimez pas : restaurez-le.",
                path=str(self._path),
            )
        return note

    def write(self, note: bytes) -> None:
        """Replace the note; durable when it returns, and the old or the new one at any crash."""
        with _wrapped(self._path), self._lock():
            replace_file(self._path, note)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Alone among all processes of this host; the kernel releases it at a crash."""
        lock = self._path.with_name(f".{self._path.name}.lock")
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(lock, flags, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def _wrapped(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LogStoreUnavailableError(
            "Le témoin de hauteur « {path} » ne peut pas être lu ou écrit ({cause}). Rien n'est "
            "signé tant qu'il manque.",
            path=str(path),
            cause=error.strerror,
        ) from error
