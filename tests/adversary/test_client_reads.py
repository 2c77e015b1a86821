"""A hostile server against a member's client: what is sent wrong is refused, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.client.pack_get import get_pack
from exchange.client.pack_open import open_pack
from tests.support.client_world import SECRET, Scene, ready


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return ready(tmp_path)


def test_honest_path(scene: Scene, tmp_path: Path) -> None:
    """With an honest server the pack is taken, opened, and holds the pieces bit for bit."""
    out = tmp_path / "pack.tar"
    done = get_pack(scene.desk("claire"), scene.sitting, out)
    assert len(done.references) == 1
    assert done.refused == ()
    opened = open_pack(
        out,
        tmp_path / "out",
        scene.server.world.trust,
        scene.person("claire").identity,
        scene.server.world.now,
    )
    assert opened[0].files == 2
    folder = tmp_path / "out" / opened[0].folder
    assert (folder / "demande.txt").read_bytes() == SECRET
    assert (folder / "pieces" / "piece 1.txt").read_bytes() == SECRET * 3000
