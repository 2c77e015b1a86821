"""Objects in a folder: the embedded default, and as durable as the disk below.

    uploads/<ab>/<upload>/begun        when it began, RFC 3339
    uploads/<ab>/<upload>/00001        a part: its SHA-256 (32 bytes), then its bytes
    uploads/<ab>/<upload>/.<random>    being written
    objects/<ab>/<cd>/<name>           a committed object

Everything is written under another name, synced, and linked to its own: ``link`` fails where
``rename`` would replace, so a file is whole or absent, and is never written twice. What a crash
leaves lies under ``uploads/`` and is removed by ``abort``.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crypto import digests
from crypto.digests import Digest
from crypto.encoding import format_instant, new_opaque_id, parse_instant
from crypto.errors import MalformedError
from exchange.usecases.errors import ObjectConflictError
from exchange.usecases.ports import Clock
from storage.files import PRIVATE_FILE, make_folder, sync_folder, write_all
from storage.objects import errors
from storage.objects.names import MAX_PARTS, is_name, object_name

PIECE_BYTES: Final = 1_048_576
"""1 MiB read or written at a time, whatever the object's size."""

_DIGEST_BYTES: Final = 32
_BEGUN: Final = "begun"


class FilesystemObjects:
    """Implements ``usecases.ports.ObjectStore``. Workers of one host share the folder."""

    def __init__(self, root: Path, *, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._uploads = root / "uploads"
        self._objects = root / "objects"
        self._clock = clock
        self._entropy = entropy
        with _wrapped():
            make_folder(self._uploads)
            make_folder(self._objects)

    # --- uploads ---

    def begin(self) -> str:
        """A new upload id."""
        upload = new_opaque_id(self._entropy)
        folder = self._folder(upload)
        with _wrapped():
            make_folder(folder)
            self._create(folder / _BEGUN, [format_instant(self._clock()).encode()])
        return upload

    def put_part(self, upload: str, number: int, data: bytes, sha256: Digest) -> None:
        """Keep one part; durable when it returns."""
        if not 1 <= number <= MAX_PARTS:
            raise errors.bad_number(number)
        if digests.sha256(data) != sha256:
            raise errors.wrong_part(number)
        path = self._existing_upload(upload) / f"{number:05d}"
        with _wrapped():
            try:
                created = self._create(path, [bytes.fromhex(sha256), data])
            except FileNotFoundError as error:  # committed or aborted meanwhile
                raise errors.missing_upload() from error
            if not created and _part(path)[2] != sha256:
                raise errors.other_part(number)

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        """(number, length, digest) of the parts kept so far, by number."""
        folder = self._existing_upload(upload)
        with _wrapped():
            return [_part(path) for path in _part_files(folder)]

    def name_of(self, upload: str, length: int, sha256: Digest) -> str:
        """The name under which ``commit`` keeps that content of that upload."""
        return object_name(upload, length, sha256)

    def commit(self, upload: str, length: int, sha256: Digest) -> str:
        """Join the parts under a name that follows from upload and content."""
        name = object_name(upload, length, sha256)
        path = self._path(name)
        folder = self._folder(upload)
        with _wrapped():
            # Already there: an earlier commit of the same content was cut short, or its answer
            # was lost. A wrong digest leads to another name, where nothing is.
            if not path.is_file():
                try:
                    self._join(self._existing_upload(upload), path, length, sha256)
                except FileNotFoundError as error:
                    # Another commit of this upload may have won and tidied up while we read.
                    if not path.is_file():
                        raise errors.missing_upload() from error
                except ObjectConflictError:
                    # Or tidied up between our listing of the parts and our reading of the last.
                    if not path.is_file():
                        raise
            # The one who linked it may have died before its name was durable; the parts go now.
            sync_folder(path.parent)
            _remove_upload(folder)
        return name

    def abort(self, upload: str) -> None:
        """Forget an upload and its parts. Idempotent; a committed object stays."""
        with _wrapped():
            _remove_upload(self._folder(upload))

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        """Unfinished uploads and when they began."""
        with _wrapped():
            for folder in sorted(self._uploads.glob("*/*")):
                if is_name(folder.name):
                    yield folder.name, _begun(folder)

    # --- objects ---

    def read(self, name: str, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Stream a range in pieces of at most 1 MiB, cut at the object's end."""
        size = self.size(name)
        last = size if length is None else min(size, first + length)
        return _stream(self._path(name), first, max(0, last - first))

    def size(self, name: str) -> int:
        """The object's length."""
        with _wrapped():
            try:
                return self._path(name).stat().st_size
            except FileNotFoundError as error:
                raise errors.missing_object() from error

    def delete(self, name: str) -> None:
        """Remove an object. Idempotent."""
        if not is_name(name):
            return
        path = self._path(name)
        with _wrapped():
            try:
                path.unlink()
            except FileNotFoundError:
                return
            sync_folder(path.parent)

    def put_back(self, name: str, length: int, sha256: Digest, pieces: Iterator[bytes]) -> None:
        """Write an object of a backup under the name that it had; an existing one stays."""
        path = self._path(name)
        with _wrapped():
            make_folder(path.parent)
            if path.exists():
                sync_folder(path.parent)  # perhaps of a run that died before
            else:
                beside = self._uploads  # what a crash leaves is in no object's folder
                self._create(path, _checked(pieces, length, sha256), beside=beside)

    def names(self) -> Iterator[str]:
        """All committed objects."""
        with _wrapped():
            for path in sorted(self._objects.glob("*/*/*")):
                if is_name(path.name):
                    yield path.name

    # --- inside ---

    def _path(self, name: str) -> Path:
        if not is_name(name):
            raise errors.missing_object()
        return self._objects / name[:2] / name[2:4] / name

    def _folder(self, upload: str) -> Path:
        if not is_name(upload):
            raise errors.missing_upload()
        return self._uploads / upload[:2] / upload

    def _existing_upload(self, upload: str) -> Path:
        folder = self._folder(upload)
        if not (folder / _BEGUN).is_file():
            raise errors.missing_upload()
        return folder

    def _join(self, folder: Path, path: Path, length: int, sha256: Digest) -> None:
        def pieces() -> Iterator[bytes]:
            for part in _part_files(folder):
                yield from _file_pieces(part, _DIGEST_BYTES, part.stat().st_size - _DIGEST_BYTES)

        make_folder(path.parent)
        self._create(path, _checked(pieces(), length, sha256), beside=folder)

    def _create(
        self, path: Path, pieces: Sequence[bytes] | Iterator[bytes], *, beside: Path | None = None
    ) -> bool:
        """Write, sync, then link to ``path``: whole or absent. False when ``path`` exists."""
        temporary = (beside or path.parent) / f".{new_opaque_id(self._entropy)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, PRIVATE_FILE)
        try:
            try:
                for piece in pieces:
                    write_all(descriptor, piece)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(temporary, path)
            except FileExistsError:
                # Its bytes are synced, but perhaps not yet its name: the one who linked it may
                # have died in between. We answer "kept", so we see to it.
                sync_folder(path.parent)
                return False
            sync_folder(path.parent)
            return True
        finally:
            temporary.unlink(missing_ok=True)


def _checked(pieces: Iterator[bytes], length: int, sha256: Digest) -> Iterator[bytes]:
    """The pieces; raises ObjectConflictError after the last when length or digest differ."""
    state, total = hashlib.sha256(), 0
    for piece in pieces:
        state.update(piece)
        total += len(piece)
        yield piece
    if total != length or state.hexdigest() != sha256:
        raise errors.wrong_whole()


def _part_files(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.iterdir() if path.name.isdecimal())


def _part(path: Path) -> tuple[int, int, Digest]:
    with path.open("rb") as file:
        digest = file.read(_DIGEST_BYTES).hex()
    return int(path.name), path.stat().st_size - _DIGEST_BYTES, Digest(digest)


def _begun(folder: Path) -> datetime:
    try:
        return parse_instant((folder / _BEGUN).read_text())
    except FileNotFoundError:
        # A crash between making the folder and its first file, or between removing its last file
        # and the folder. It still has to be swept.
        try:
            return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        except FileNotFoundError:
            return datetime.fromtimestamp(0, UTC)
    except MalformedError:
        return datetime.fromtimestamp(0, UTC)


def _remove_upload(folder: Path) -> None:
    """Parts first and ``begun`` last, so that an upload cut short here is still found by a sweep
    with its age, and takes no further part.
    """
    try:
        inside = sorted(folder.iterdir(), key=lambda path: path.name == _BEGUN)
    except FileNotFoundError:
        return
    for path in inside:
        path.unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as error:
        # Somebody else removed it, or a part arrived in this moment: the next sweep finds it.
        if error.errno in {errno.ENOENT, errno.ENOTEMPTY}:
            return
        raise
    sync_folder(folder.parent)


def _stream(path: Path, first: int, length: int) -> Iterator[bytes]:
    with _wrapped():
        try:
            yield from _file_pieces(path, first, length)
        except FileNotFoundError as error:
            raise errors.missing_object() from error


def _file_pieces(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0:
            piece = file.read(min(PIECE_BYTES, length))
            if not piece:
                return
            length -= len(piece)
            yield piece


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.unavailable(error.strerror or type(error).__name__) from error
