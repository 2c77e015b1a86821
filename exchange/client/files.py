"""Writing so that a reader never sees half of it, and reading folders without surprises."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from exchange.client.errors import UnsafeFileError

FILE_MODE: Final = 0o600
"""What the client writes concerns people: the owner alone reads it."""

IGNORED_NAMES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Left by file managers; never part of a dossier."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` whole: after a crash there is the old file or the new one."""
    with appearing(path, replace=True) as handle:
        handle.write(data)


@contextlib.contextmanager
def appearing(path: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """A file that gets its name only when the block ends without an error.

    Raises UnsafeFileError when ``path`` exists (unless ``replace``) or cannot be written.
    """
    if not replace and path.exists():
        raise already_there(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    except OSError as error:
        raise unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        _give_name(temporary, path, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)


def _give_name(temporary: Path, path: Path, *, replace: bool) -> None:
    try:
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails when the name was taken meanwhile; rename would not
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError as error:
        raise already_there(path) from error
    except OSError as error:
        raise unwritable(path, error) from error


@contextlib.contextmanager
def appearing_directory(path: Path) -> Iterator[Path]:
    """A folder that gets its name only when the block ends without an error; else it is removed.

    Raises UnsafeFileError when ``path`` exists and is not an empty folder.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise already_there(path)
    if path.is_dir() and any(path.iterdir()):
        raise UnsafeFileError(
            "Le dossier « {path} » n'est pas vide : indiquez un dossier neuf, pour que rien d'ancien ne "
            "se mêle à ce qui vient d'être vérifié.",
            path=path,
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:40]}."))
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_new(root: Path, relative: str, pieces: Iterator[bytes]) -> None:
    """Write one file below ``root``, which this process made and nobody else writes to.

    ``relative`` was checked by the container's reader; it is checked again here, because this is
    the place where a mistake would write elsewhere.
    """
    steps = relative.split("/")
    if any(step in {"", ".", ".."} or "\\" in step or "\0" in step for step in steps):
        raise UnsafeFileError("Un nom de fichier du conteneur sort de son dossier : il est refusé.")
    path = root.joinpath(*steps)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # O_EXCL and O_NOFOLLOW: neither an existing file nor a link is ever written through.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as handle:
            for piece in pieces:
                handle.write(piece)
    except OSError as error:
        raise unwritable(path, error) from error


def collect(paths: tuple[Path, ...]) -> tuple[tuple[str, Path], ...]:
    """(name in the container, file) of every file at or below ``paths``, sorted by name.

    Links and devices are refused: what is sealed is exactly what the person sees in the folder.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for name, file in _walk(path):
            if name in found:
                raise UnsafeFileError(
                    "Deux fichiers porteraient le nom « {name} » dans le dossier : renommez l'un d'eux.",
                    name=name,
                )
            found[name] = file
    if not found:
        raise UnsafeFileError("Aucun fichier à déposer : le dossier indiqué est vide.")
    return tuple(sorted(found.items()))


def _walk(path: Path) -> Iterator[tuple[str, Path]]:
    mode = _mode(path)
    if stat.S_ISREG(mode):
        yield path.name, path
        return
    if not stat.S_ISDIR(mode):
        raise _not_a_file(path)
    for child in sorted(path.rglob("*")):
        child_mode = _mode(child)
        if child.name in IGNORED_NAMES or stat.S_ISDIR(child_mode):
            continue
        if not stat.S_ISREG(child_mode):
            raise _not_a_file(child)
        yield child.relative_to(path).as_posix(), child


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError as error:
        raise UnsafeFileError(
            "« {path} » ne peut pas être lu ({reason}) : vérifiez le chemin et les droits.",
            path=path,
            reason=os.strerror(error.errno or 0),
        ) from error


def _not_a_file(path: Path) -> UnsafeFileError:
    return UnsafeFileError(
        "« {path} » n'est pas un fichier ordinaire (lien ou périphérique) : copiez le fichier lui-même.",
        path=path,
    )


def already_there(path: Path) -> UnsafeFileError:
    """The error for a name that is taken."""
    return UnsafeFileError(
        "« {path} » existe déjà et n'est jamais écrasé : indiquez un autre nom, ou rangez l'ancien "
        "fichier ailleurs.",
        path=path,
    )


def unwritable(path: Path, error: OSError) -> UnsafeFileError:
    """The error for a path that cannot be written."""
    return UnsafeFileError(
        "« {path} » ne peut pas être écrit ({reason}) : vérifiez les droits et la place libre.",
        path=path,
        reason=os.strerror(error.errno or 0),
    )
