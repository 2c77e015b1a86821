"""What guards requests, kept for all workers and hosts: nonces, idempotency keys, counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crypto.digests import Digest


class Challenges(Protocol):
    """Login nonces, each good once."""

    def add(self, nonce: bytes, expires_at: datetime) -> None: ...

    def take(self, nonce: bytes) -> datetime | None:
        """Remove a nonce and return its expiry; None when unknown or used before."""

    def drop_expired(self, now: datetime) -> None: ...


@dataclass(frozen=True)
class Reservation:
    """What an idempotency key stands for."""

    request_sha256: Digest
    """The one request that it came with."""
    subject: str
    """The id, drawn for it, of whatever that request makes."""


class Idempotency(Protocol):
    """Idempotency keys, by person and key."""

    def reserve(self, owner: str, key: str, wanted: Reservation, now: datetime) -> Reservation:
        """The reservation under this key: the one made before, else ``wanted``."""

    def drop_before(self, moment: datetime) -> None:
        """Forget the keys reserved before ``moment``."""


@dataclass(frozen=True)
class Counted:
    """What a window holds after one more was counted."""

    count: int
    """In this window, that one included."""
    before: int
    """What the last window of this name held, told with the first of the next; 0 otherwise."""


class Rates(Protocol):
    """How often something happened in a window of time, counted for all workers and hosts."""

    def add(self, scope: str, who: str, window: int) -> Counted:
        """Count one more in window number ``window``."""

    def seen(self, scope: str, who: Collection[str], window: int) -> Mapping[str, int]:
        """How many were counted in it, of those of whom there were any."""

    def drop_before(self, window: int) -> None:
        """Forget the windows before ``window``."""
