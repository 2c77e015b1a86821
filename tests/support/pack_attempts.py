"""A member's ``pack get`` before a server that lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crypto.errors import ExplainedError
from exchange.client.pack_get import get_pack
from tests.support.client_world import Scene


def refused(
    scene: Scene, kind: type[ExplainedError] | tuple[type[ExplainedError], ...]
) -> ExplainedError:
    """The error of a member's ``pack get``, which must have written nothing at all."""
    target = scene.folder / "packs"
    target.mkdir(exist_ok=True)
    with pytest.raises(kind) as caught:
        get_pack(scene.desk("claire"), scene.sitting, target / "pack.tar")
    assert list(target.iterdir()) == []
    assert str(caught.value)
    return caught.value


def in_release(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def lie(answer: Any) -> Any:
        return {**answer, "releases": [change(each) for each in answer["releases"]]}

    return lie
