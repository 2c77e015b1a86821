"""A refusal leaves no trace: database and log stay as they were."""

from __future__ import annotations

import pytest


def refused(world, error, signed, caller=None, match: str | None = None) -> None:
    """The statement is refused with that error; database and log stay as they were."""
    before = world.database.dump()
    with pytest.raises(error, match=match):
        world.post(signed, caller)
    assert world.database.dump() == before


def commit_refused(convoked, error, made, match: str | None = None) -> None:
    """Committing fails with that error and leaves database and log as they were."""
    before = convoked.world.database.dump()
    with pytest.raises(error, match=match):
        convoked.world.commit(convoked.depositor, made)
    assert convoked.world.database.dump() == before
