"""Each test gets a sitting's dossiers, ready to be taken by a member who declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.client_world import Scene, ready


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return ready(tmp_path)
