"""The pages' scripts: their types hold, the committed bundle is what its source gives, tests pass."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "exchange" / "web" / "frontend"
DIST = ROOT / "exchange" / "web" / "static" / "dist"

pytestmark = pytest.mark.skipif(
    not (FRONTEND / "node_modules").is_dir() or shutil.which("node") is None,
    reason="the pages' scripts need Node and « npm ci --ignore-scripts » in exchange/web/frontend",
)


def npm(*arguments: str, cwd: Path = FRONTEND) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", "run", "--silent", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "NO_COLOR": "1"},
    )


def test_types_hold() -> None:
    """The TypeScript sources pass the compiler's strict check."""
    done = npm("check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_committed_bundle_is_what_its_source_gives(tmp_path: Path) -> None:
    """Building a copy of the sources gives the committed scripts, octet for octet."""
    copy = tmp_path / "web" / "frontend"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(FRONTEND / "node_modules")
    done = npm("build", cwd=copy)
    assert done.returncode == 0, done.stdout + done.stderr
    built = tmp_path / "web" / "static" / "dist"
    names = sorted(path.name for path in built.iterdir())
    assert names == sorted(path.name for path in DIST.iterdir())
    assert filecmp.cmpfiles(built, DIST, names, shallow=False)[1:] == ([], [])


def test_core_keeps_its_promises() -> None:
    """The core's own tests pass under node."""
    done = npm("test")
    assert done.returncode == 0, done.stdout + done.stderr
