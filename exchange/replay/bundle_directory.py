"""A bundle unpacked into a directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from exchange.replay.errors import BundleError


class BundleDirectory:
    """Reads ``root``. Links are not followed: a link could show the verifier a file that the
    exporter never hashed.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise BundleError(
                "« {name} » n'est pas un répertoire : indiquez le répertoire où le lot a été "
                "décompressé, ou le fichier .tar lui-même.",
                name=str(root),
            )
        self._root = root

    def paths(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root, followlinks=False):
            folders.sort()
            for name in sorted(
                [*files, *(each for each in folders if (Path(folder) / each).is_symlink())]
            ):
                yield (Path(folder) / name).relative_to(self._root).as_posix()

    def read(self, path: str) -> bytes | None:
        target = self._root.joinpath(*path.split("/"))
        inside = ".." not in path.split("/") and not path.startswith("/")
        parents = [target, *target.parents[: len(path.split("/")) - 1]]
        if not inside or any(each.is_symlink() for each in parents) or not target.is_file():
            return None
        try:
            return target.read_bytes()
        except OSError as error:
            raise BundleError(
                "Le fichier « {path} » du lot est illisible ({reason}).",
                path=path,
                reason=error.strerror or type(error).__name__,
            ) from error
