"""Limits on how often something may happen, the same for all workers and hosts.

Counted in fixed windows, in the database: twice the limit can pass around a window's end, which is
near enough, and a count is one small row. Where the database does not answer, nothing passes: all that
is limited writes there anyway (docs/decisions/0019).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exchange.usecases.ports import UnitOfWork
from exchange.usecases.service import Service

WINDOW_SECONDS: Final = 60
"""One minute: long enough to count, short enough to wait for."""


@dataclass(frozen=True)
class Rate:
    """At most ``limit`` a window of what is counted as ``scope``."""

    scope: str
    limit: int


def login_refusals(service: Service) -> Rate:
    """Refused logins, of everybody together: whoever is refused has no name yet."""
    return Rate("login-refused", service.limits.refusals)


def release_refusals(service: Service) -> Rate:
    """Refused releases, by certificate: one member who errs does not stop another."""
    return Rate("release-refused", service.limits.refusals)


def anonymous_writes(service: Service) -> Rate:
    """Unsafe requests without a login, by where they come from."""
    return Rate("anonymous-write", service.limits.anonymous_writes)


def still_open(work: UnitOfWork, rate: Rate, now: datetime, who: Collection[str]) -> frozenset[str]:
    """For which of them one more may pass."""
    seen = work.rates.seen(rate.scope, who, window_of(now))
    return frozenset(each for each in who if seen.get(each, 0) < rate.limit)


def pass_one(work: UnitOfWork, rate: Rate, now: datetime, who: str = "") -> int | None:
    """Count one more. None when it is one too many; else how many were held back in the last
    window, told once.
    """
    counted = work.rates.add(rate.scope, who, window_of(now))
    if counted.count > rate.limit:
        return None
    return max(0, counted.before - rate.limit)


def window_of(now: datetime) -> int:
    """The number of the window that ``now`` is in."""
    return int(now.timestamp()) // WINDOW_SECONDS
