"""The two halves of a byte stream that this package needs, and exact reads from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

Octets = bytes | bytearray | memoryview
"""Bytes in any of the forms that are written without a copy."""


class Readable(Protocol):
    """Returns at most that many bytes, fewer when it likes, none only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """Takes all the bytes given."""

    def write(self, data: Octets, /) -> object: ...


class Prepended:
    """A stream that gives back bytes already taken from another, then goes on with that one."""

    def __init__(self, head: bytes, tail: Readable) -> None:
        self._head = memoryview(head)
        self._tail = tail

    def read(self, size: int, /) -> bytes:
        if not self._head:
            return self._tail.read(size)
        taken, self._head = bytes(self._head[:size]), self._head[size:]
        return taken


class Pieces:
    """A stream over pieces of any size that an iterator makes when they are asked for."""

    def __init__(self, pieces: Iterator[Octets]) -> None:
        self._pieces = pieces
        self._current = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._current:
            following = next(self._pieces, None)
            if following is None:
                return b""
            if isinstance(following, bytes) and 0 < len(following) <= size:
                return following  # handed on whole, without a copy
            self._current = memoryview(following)
        taken, self._current = bytes(self._current[:size]), self._current[size:]
        return taken


def read_exactly(source: Readable, size: int) -> bytes:
    """``size`` bytes, fewer only when the stream ends: a pipe may hand out less at a time."""
    first = source.read(size)
    if len(first) == size or not first:
        return first
    data = bytearray(first)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return bytes(data)
