"""Each test gets a commission of its own, with a broker that knows what is deposited."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.broker_world import Scene, open_scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")
