"""A bundle in one tar file, read in place."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from exchange.replay.errors import BundleError

MAX_MEMBER_BYTES: Final = 536_870_912
"""512 MiB: the largest file is the index (a million files), or the broker's record."""


class BundleTar:
    """Reads the regular files of a tar archive; anything else in it, or a name twice, is refused."""

    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.open(path, mode="r:")  # noqa: SIM115  # closed by __exit__
        except (OSError, tarfile.TarError) as error:
            raise BundleError(
                "« {name} » n'est pas une archive tar lisible : redemandez l'export au vérificateur.",
                name=str(path),
            ) from error
        try:
            self._members = _members(self._tar)
        except BundleError:
            self._tar.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()

    def paths(self) -> Iterator[str]:
        yield from sorted(self._members)

    def read(self, path: str) -> bytes | None:
        member = self._members.get(path)
        if member is None:
            return None
        try:
            source = self._tar.extractfile(member)
            assert source is not None
            return source.read()
        except (OSError, tarfile.TarError) as error:
            raise BundleError("Le fichier « {path} » du lot est illisible.", path=path) from error


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    try:
        listed = tar.getmembers()
    except (OSError, tarfile.TarError) as error:
        raise BundleError(
            "Cette archive tar est coupée ou abîmée : redemandez l'export."
        ) from error
    for member in listed:
        if member.isdir():
            continue
        name = member.name.removeprefix("./")
        if not member.isreg() or name in members or member.size > MAX_MEMBER_BYTES:
            raise BundleError(
                "L'archive contient « {name} », qui n'a pas sa place dans un lot (lien, doublon ou "
                "fichier démesuré) : ne vous y fiez pas.",
                name=member.name,
            )
        members[name] = member
    return members
