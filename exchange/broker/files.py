"""Durable files: what was written lasts, what was destroyed is overwritten first.

Every file is 0600 in a 0700 directory. A replaced file is written beside its place, fsync-ed,
renamed over it, and the directory is fsync-ed, so that after a crash there is the old content or the
new one and nothing between. All callers hold the store's lock, which makes the one temporary name
per file safe.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.broker.errors import BrokerBusyError, BrokerStoreError

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700

LOCK_SECONDS: Final = 20.0
"""Longer than any operation (re-encrypting the keys of the busiest sitting takes under a second)."""

FIRST_LOCK_WAIT_SECONDS: Final = 0.0002
"""Shorter than any operation: one that is about to end is not waited for much longer than it takes."""

LOCK_POLL_SECONDS: Final = 0.001
"""The longest wait between two attempts: short beside an operation, long beside a system call."""

_TURN_SUFFIX: Final = ".turn"
_TEMPORARY_SUFFIX: Final = ".tmp"


def make_directory(path: Path) -> None:
    """Create a private directory; its parent must exist. Nothing happens if it is there."""
    try:
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def read_file(path: Path) -> bytes:
    """The whole content; raises BrokerStoreError when it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.readall()
    except OSError as error:
        raise unreadable(path, error) from error


def read_part(path: Path, offset: int, length: int) -> bytes:
    """Some of the content; raises BrokerStoreError when it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise unreadable(path, error) from error


def write_file(path: Path, data: bytes) -> None:
    """Replace a file's content atomically and durably."""
    temporary = path.with_name(path.name + _TEMPORARY_SUFFIX)
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE
        )
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def destroy_file(path: Path) -> None:
    """Overwrite with zeros, fsync, unlink, fsync the directory. Nothing happens if it is gone.

    On a copy-on-write or flash medium the old blocks may survive the overwriting; that is why the
    wrapping key is replaced as well (``custody``), and the threat model says what remains.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        try:
            write_all(descriptor, bytes(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        sync_directory(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def destroy_leftovers(directory: Path) -> None:
    """Destroy what a crash left half-written: it may hold key material."""
    for path in sorted(directory.glob(f"*{_TEMPORARY_SUFFIX}")):
        destroy_file(path)


def sync_directory(path: Path) -> None:
    """Make names created or removed in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the exclusive lock of ``path`` among threads and processes of this host; until ``deadline``
    (by ``time.monotonic``; LOCK_SECONDS from now) it is waited for, then BrokerBusyError is raised.

    Each entry opens the file anew: flock belongs to the open file, so threads exclude each other
    too, and the lock falls with the process that held it. Whoever waits holds the turn meanwhile: a
    process that lets go under load and comes back at once finds it taken, and is next and not first.
    """
    if deadline is None:
        deadline = time.monotonic() + LOCK_SECONDS
    descriptor = _open_lock(path)
    try:
        turn = _open_lock(path.parent / f"{path.name}{_TURN_SUFFIX}")
        try:
            _acquire(turn, deadline)
            _acquire(descriptor, deadline)
        finally:
            os.close(turn)
        yield
    finally:
        os.close(descriptor)


class LineFile:
    """A file of lines that only grows. What was returned by ``append`` is on the medium.

    One object a process remembers how far it has read, and ``refresh`` returns what other processes
    added since, once it is on the medium: the process that wrote a line may have been killed before
    it flushed it, and whoever acts on it relies on it. A line without its end is the trace of a crash
    in the middle of an ``append`` that never returned, so nobody relied on it: it is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.offset = 0
        """How far this object has read or written, in bytes: where the next line begins."""

    def refresh(self) -> list[bytes]:
        """Whole lines (without their end) added since the last refresh or append."""
        size = self._size()
        if size < self.offset:
            raise _shrunk(self._path)
        if size == self.offset:
            return []
        try:
            with self._path.open("r+b") as file:
                file.seek(self.offset)
                data = file.read()
                whole = data.rfind(b"\n") + 1
                if whole != len(data):
                    file.truncate(self.offset + whole)
                os.fsync(file.fileno())
            if not self.offset:
                sync_directory(self._path.parent)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self.offset += whole
        return data[:whole].split(b"\n")[:-1]

    def append(self, *lines: bytes) -> None:
        """Add lines durably, with one flush; the caller holds the lock and has refreshed.

        When it raises, none of them is in the file: what could not be flushed is taken back, so that
        nobody reads what may not last.
        """
        if any(b"\n" in line for line in lines):
            raise BrokerStoreError(
                "Une ligne du gardien des clés ne peut contenir de saut de ligne."
            )
        data = b"".join(line + b"\n" for line in lines)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, FILE_MODE)
            try:
                self._write(descriptor, data)
            finally:
                os.close(descriptor)
            if not self.offset:
                sync_directory(self._path.parent)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self.offset += len(data)

    def _write(self, descriptor: int, data: bytes) -> None:
        try:
            write_all(descriptor, data)
            os.fdatasync(descriptor)  # the new length is flushed with the data
        except OSError:
            os.ftruncate(descriptor, self.offset)
            raise

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise unwritable(self._path, error) from error


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
    except OSError as error:
        raise unwritable(path, error) from error


def _acquire(descriptor: int, deadline: float) -> None:
    wait = FIRST_LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES} or time.monotonic() > deadline:
                raise busy() from error
            time.sleep(wait)
            wait = min(2 * wait, LOCK_POLL_SECONDS)
        else:
            return


def busy() -> BrokerBusyError:
    """The error to raise when the lock was not to be had in time."""
    return BrokerBusyError(
        "Le gardien des clés est occupé depuis trop longtemps. Réessayez dans un instant ; si cela "
        "dure, un processus bloqué tient son verrou."
    )


def write_all(descriptor: int, data: bytes, offset: int | None = None) -> None:
    """Write all of it, at an offset or where the file stands; raises OSError."""
    view = memoryview(data)
    while view:
        if offset is None:
            written = os.write(descriptor, view)
        else:
            written = os.pwrite(descriptor, view, offset)
            offset += written
        view = view[written:]


def unreadable(path: Path, error: OSError) -> BrokerStoreError:
    """The error to raise when a file cannot be read."""
    return BrokerStoreError(
        "Le fichier « {name} » du gardien des clés est illisible ({reason}). Vérifiez les "
        "droits du répertoire, ou restaurez le gardien selon le guide d'exploitation.",
        name=path.name,
        reason=_reason(error),
    )


def unwritable(path: Path, error: OSError) -> BrokerStoreError:
    """The error to raise when a file cannot be written."""
    return BrokerStoreError(
        "Le fichier « {name} » du gardien des clés ne peut être écrit ({reason}). Vérifiez l'espace "
        "libre et les droits de son répertoire.",
        name=path.name,
        reason=_reason(error),
    )


def _shrunk(path: Path) -> BrokerStoreError:
    return BrokerStoreError(
        "Le fichier « {name} » du gardien des clés a raccourci : une ancienne copie a été remise en "
        "place. Arrêtez le service et suivez la procédure de reprise.",
        name=path.name,
    )


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
