"""A folder far larger than memory should ever hold is sealed and opened in a small, fixed space."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crypto.age.recipients import format_recipient
from crypto.edge.identity import Identity
from crypto.edge.keyfile import export_age
from crypto.keys import MasterSeed

FILES, FILE_BYTES = 4, 256 * 1024 * 1024
"""1 GiB of holes: nothing to read from the disk, as much as any to encrypt."""

MAX_RSS_KIB = 64 * 1024

MEASURED = """
import sys
from exchange.cli.main import run_command
status = run_command(sys.argv[1:])
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(peak, file=sys.stderr)
sys.exit(status)
"""
"""VmHWM and not ``ru_maxrss``: that one is inherited from the process that forked this one."""


def peak(*words: str | Path) -> int:
    """Run ``dossier WORDS`` in a process of its own; its peak of resident memory, in KiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])


@pytest.mark.e2e
def test_constant_memory(tmp_path: Path) -> None:
    """Sealing and opening 1 GiB takes at most 64 MiB of memory each, and loses nothing."""
    seed = MasterSeed(b"\5" * 32)
    key = tmp_path / "key.txt"
    key.write_text(export_age(seed) + "\n")
    folder, sealed, out = tmp_path / "folder", tmp_path / "sealed.age", tmp_path / "out"
    folder.mkdir()
    for number in range(FILES):
        with (folder / f"scan-{number}.tiff").open("wb") as handle:
            handle.truncate(FILE_BYTES)
            handle.seek(FILE_BYTES // 2)
            handle.write(bytes([number + 1]))
    recipient = format_recipient(Identity.from_seed(seed).recipient)
    assert peak("seal", folder, "-r", recipient, "--out", sealed) <= MAX_RSS_KIB
    assert peak("open", sealed, "-i", key, "--out", out) <= MAX_RSS_KIB
    for number in range(FILES):
        read = out / f"scan-{number}.tiff"
        assert read.stat().st_size == FILE_BYTES
        with read.open("rb") as handle:
            handle.seek(FILE_BYTES // 2)
            assert handle.read(1) == bytes([number + 1])
