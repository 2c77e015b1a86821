"""The usual situation before a broker in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker_world import Scene
from tests.support.separate_broker import separate_scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with separate_scene(tmp_path / "broker") as scene:
        yield scene
