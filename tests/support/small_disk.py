"""A disk of a few mebibytes, which a test can fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PIECE_BYTES = 65_536


@dataclass(frozen=True)
class SmallDisk:
    """Mounted at ``path``."""

    path: Path

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def fill(self, leaving: int) -> None:
        """Take all but about ``leaving`` bytes."""
        with (self.path / "ballast").open("ab") as ballast:
            ballast.write(bytes(max(0, self.free - leaving)))

    def empty(self) -> None:
        """Give back what ``fill`` took."""
        (self.path / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount one at ``path``, which is made; skips the test where only root may do so."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    path.mkdir(parents=True)
    options = f"size={mebibytes}m,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
