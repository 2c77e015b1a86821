"""A limit on anonymous writes, against flooding the log and the table of challenges.

Counted twice. In memory, for this process alone: a flood that one process has seen enough of costs no
query any more. And in the database, for all workers and hosts: that count is the limit. The address is
counted under a keyed hash that changes with every window, and is written nowhere.
"""

from __future__ import annotations

import hmac
import ipaddress
import threading
from typing import Final

from crypto.labels import THROTTLED_ADDRESS
from exchange.settings import CookieSecret
from exchange.usecases.rates import anonymous_writes, pass_one, window_of
from exchange.usecases.service import Service

MAX_ADDRESSES: Final = 10_000
"""About 2 MB. Beyond, this process's own counts begin anew; the shared ones stay."""

SITE_PREFIX: Final = 64
"""Whoever has one IPv6 address has all of its /64: they count as one."""


class Throttle:
    """Counts anonymous writes by address, in fixed windows of a minute."""

    def __init__(self, service: Service, secret: CookieSecret) -> None:
        self._service = service
        # The same on all hosts, as the login cookies are; and of no other use.
        self._key = hmac.digest(secret.reveal(), THROTTLED_ADDRESS, "sha256")
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def allows(self, address: str) -> bool:
        """Count one request; False when ``address`` has used its window up."""
        now = self._service.clock()
        rate = anonymous_writes(self._service)
        window = window_of(now)
        who = hmac.digest(self._key, f"{window} {_site(address)}".encode(), "sha256").hex()
        if self._count_here(who, window) > rate.limit:
            return False
        with self._service.transactions() as work:
            passed = pass_one(work, rate, now, who) is not None
            work.commit()
        return passed

    def _count_here(self, who: str, window: int) -> int:
        with self._lock:
            if window != self._window or len(self._counts) >= MAX_ADDRESSES:
                self._window, self._counts = window, {}
            self._counts[who] = self._counts.get(who, 0) + 1
            return self._counts[who]


def _site(address: str) -> str:
    """What counts as one place; a Unix socket has no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, SITE_PREFIX), strict=False))
