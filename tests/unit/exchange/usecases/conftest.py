"""Each test gets a commission of its own."""

from __future__ import annotations

import pytest

from tests.support.memory_commission import Commission, Convened, convened


@pytest.fixture
def convoked() -> Convened:
    """A commission with a convoked sitting and nothing deposited yet."""
    return convened()


@pytest.fixture
def world(convoked: Convened) -> Commission:
    """The same, when only the world matters."""
    return convoked.world
