"""A new file that several threads write at once, each at its place."""

from __future__ import annotations

import os
from typing import BinaryIO

from crypto.age.streams import Octets


class PlacedFile:
    """Writes past ``handle``'s buffer, which must be empty: a regular file that was just made.

    Not for a file opened to append: the system would ignore the places. OSError passes through.
    """

    def __init__(self, handle: BinaryIO) -> None:
        self._descriptor = handle.fileno()
        self._base = handle.tell()

    def write(self, data: Octets, /) -> int:
        """In order, before anything is placed."""
        self.write_at(data, 0)
        self._base += len(data)
        return len(data)

    def write_at(self, data: Octets, offset: int, /) -> None:
        """At ``offset`` bytes after what :meth:`write` wrote."""
        view, at = memoryview(data), self._base + offset
        while view:
            done = os.pwrite(self._descriptor, view, at)
            view, at = view[done:], at + done
