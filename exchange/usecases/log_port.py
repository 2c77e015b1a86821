"""The audit log as the use cases see it; ``audit.log.AuditLog`` is the implementation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from audit.checkpoint import Checkpoint


class EventLog(Protocol):
    """What is committed becomes provable here."""

    def integrate(self) -> bytes:
        """Take all committed events into the log; the published checkpoint note that holds them.
        Raises LogUnavailableError.
        """

    def recover(self, checkpoint: Checkpoint) -> None:
        """Go on from the stored head, which must be this one, and forget a higher mark. For a
        verified ``recovery`` only. Raises LogUnavailableError.
        """

    def head(self) -> bytes | None:
        """The last note that was signed, public or not; None before the first."""

    def receipt(self, ticket: int) -> bytes:
        """The proof that an integrated event is in the log, under the latest checkpoint."""

    def receipts(self, tickets: Collection[int]) -> Mapping[int, bytes]:
        """The same for several events at once, under one checkpoint; those whose details were erased
        are left out.
        """

    def receipt_at(self, index: int) -> bytes:
        """The same, by index."""

    def checkpoint(self) -> bytes | None:
        """The latest published checkpoint note; None before the first."""

    def begins_with(self, seen: Checkpoint) -> bool:
        """Whether the published log is a continuation of what ``seen`` describes."""

    def consistency(self, from_size: int, to_size: int) -> list[bytes]:
        """The RFC 6962 consistency proof between two sizes."""

    def tile(self, level: int, number: int, width: int | None) -> bytes:
        """A tile's hashes (C2SP tlog-tiles); ``width`` None: the full tile."""

    def entries_tile(self, number: int, width: int | None) -> bytes:
        """A bundle of entries; ``width`` None: the full one."""
