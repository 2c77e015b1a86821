"""What must never slip into the tree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_locks_hold_hashes_and_no_addresses() -> None:
    """Requirements are pinned with hashes and name no package index."""
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text()
        pins = re.findall(
            r"^([a-z0-9._-]+(?:\[[a-z,0-9-]+\])?)==", text, re.MULTILINE | re.IGNORECASE
        )
        assert len(pins) > 20
        assert text.count("--hash=sha256:") >= len(pins)
        assert "http" not in text
        assert "--index" not in text


def test_top_level_is_the_agreed_one() -> None:
    """The top level holds the agreed folders and the usual root files, and nothing else."""
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    assert folders <= {
        "exchange", "crypto", "storage", "audit", "deploy", "tests", "docs", "requirements", ".ci",
    }  # fmt: skip


def test_no_address_of_a_package_index_in_node_locks() -> None:
    """Node lock files keep integrity hashes and no download addresses."""
    locks = [path for path in tracked() if path.name == "package-lock.json"]
    for lock in locks:
        assert '"resolved"' not in lock.read_text()
