"""What one integration step of the log finds before it does anything."""

from __future__ import annotations

from dataclasses import dataclass

from audit.checkpoint import Checkpoint


@dataclass(frozen=True)
class IntegrationState:
    """The signed head, the high-water mark, and the stored tree's size."""

    head: bytes | None
    mark: bytes | None
    size: int

    @property
    def head_size(self) -> int:
        return Checkpoint.of_note(self.head).size if self.head else -1

    @property
    def mark_size(self) -> int:
        return Checkpoint.of_note(self.mark).size if self.mark else -1

    @property
    def settled(self) -> bytes | None:
        """The head, when there is nothing to sign and nothing to catch up with."""
        return self.head if self.head_size == self.mark_size == self.size else None


@dataclass(frozen=True)
class Signed:
    """The largest signed head, and the published note as it was at the same moment."""

    head: bytes
    published: bytes | None
