"""Moments as people in France read them."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_ZONE: Final = ZoneInfo("Europe/Paris")


def when(moment: datetime | None) -> str:
    """Day and minute, in Paris time; ``?`` for none."""
    return f"{moment.astimezone(_ZONE):%d/%m/%Y à %Hh%M}" if moment else "?"
