"""Each test gets a sitting that takes deposits, and a depositor's papers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.client_world import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.open_sitting("claire", "martin", "odile")
    folder = tmp_path / "papers" / "nadia"
    folder.mkdir(parents=True)
    (folder / "demande.txt").write_bytes(b"fiction")
    return made
