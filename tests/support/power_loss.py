"""A disk that forgets: what was not flushed when the power fails is gone, and so are names.

Only what ``fsync`` and ``fdatasync`` were called for is kept, file by file and directory by directory: no
file system loses more. A flush is noted when it returns, so that failing just before it is one of the cases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

WATCHED: Final = (
    "write",
    "pwrite",
    "ftruncate",
    "fsync",
    "fdatasync",
    "replace",
    "rename",
    "unlink",
)
"""Calls of ``os`` at which the power may fail."""


class PowerFailure(BaseException):
    """Nothing of the product catches this: the process ends here."""


class Disk:
    """The files below ``root``, as they are and as they would be after a failure."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[Path, dict[str, int]] = {}
        self._content: dict[int, bytes] = {}
        for folder in [root, *(each for each in root.rglob("*") if each.is_dir())]:
            self._flushed_folder(folder)
            for each in folder.iterdir():
                if each.is_file():
                    self._content[each.stat().st_ino] = each.read_bytes()

    def flushed(self, descriptor: int) -> None:
        """Note that what is open there lasts from now on."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not path.is_relative_to(self._root):
            return
        if path.is_dir():
            self._flushed_folder(path)
        else:
            self._content[os.fstat(descriptor).st_ino] = path.read_bytes()

    def survivors(self, to: Path) -> Path:
        """A copy of what lasts."""
        for folder, names in self._names.items():
            copy = to / folder.relative_to(self._root)
            copy.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, inode in names.items():
                if folder / name not in self._names:
                    (copy / name).write_bytes(self._content.get(inode, b""))
        return to

    def _flushed_folder(self, folder: Path) -> None:
        self._names[folder] = {each.name: each.stat().st_ino for each in folder.iterdir()}


@contextmanager
def failing(patch: pytest.MonkeyPatch, disk: Disk, at: int) -> Iterator[list[str]]:
    """Fail just before the ``at``-th watched call; the calls made so far are in the list."""
    made: list[str] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(made) >= at:
                raise PowerFailure(name)
            made.append(name)
            result = real(*arguments, **options)
            if name in {"fsync", "fdatasync"}:
                disk.flushed(arguments[0])
            return result

        return call

    with patch.context() as inside:
        for name in WATCHED:
            inside.setattr(os, name, watched(name, getattr(os, name)))
        yield made
