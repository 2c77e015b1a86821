"""Dates as people type them: a day, or a day and an hour, in a time zone that is named."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from exchange.locale import translate as _


class Moment(click.ParamType[datetime]):
    """``2026-11-23``, ``2026-11-23T14:30`` (in ``zone``) or ``2026-11-23T13:30:00Z``."""

    name = "date"

    def __init__(self, zone: str = "Europe/Paris") -> None:
        self._zone = zone

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        zone = ctx.params.get("zone") if ctx else None
        try:
            return parse_moment(str(value), str(zone or self._zone))
        except (ValueError, ZoneInfoNotFoundError):
            self.fail(_("une date s'écrit « 2026-11-23 » ou « 2026-11-23T14:30 »."), param, ctx)


def parse_moment(text: str, zone: str) -> datetime:
    """In UTC, whole seconds; raises ValueError."""
    parsed = datetime.fromisoformat(text)
    if len(text) == len("2026-11-23"):
        parsed = datetime.combine(parsed.date(), time())
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(zone))
    return parsed.astimezone(UTC).replace(microsecond=0)
