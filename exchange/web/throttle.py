"""A limit on anonymous writes, against flooding the log and the table of challenges.

Counts are kept per process and per network address, in memory: they need no table that an attacker
could fill, and with a few workers the true limit is a few times the named one. The address is
counted under a keyed hash that changes with every start, and is written nowhere.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

WINDOW_SECONDS: Final = 60

MAX_ANONYMOUS_WRITES: Final = 1_200
"""A minute and address, 20 a second: a whole préfecture may sit behind one address, and behind a proxy
everybody does. It caps what an anonymous flood costs; the proxy in front counts per client."""

MAX_ADDRESSES: Final = 10_000
"""About 2 MB; beyond, the address unseen for longest is forgotten."""


class Throttle:
    """Counts requests per address in fixed windows."""

    def __init__(
        self, key: bytes, seconds: Callable[[], float], limit: int = MAX_ANONYMOUS_WRITES
    ) -> None:
        self._key = key
        self._seconds = seconds
        self._limit = limit
        self._lock = threading.Lock()
        self._counts: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Count one request; False when ``address`` has used its window up."""
        who = hmac.digest(self._key, address.encode(), "sha256")
        window = int(self._seconds() // WINDOW_SECONDS)
        with self._lock:
            since, count = self._counts.pop(who, (window, 0))
            count = count + 1 if since == window else 1
            self._counts[who] = (window, count)
            while len(self._counts) > MAX_ADDRESSES:
                self._counts.popitem(last=False)
        return count <= self._limit
