"""The two halves of a byte stream that this package needs, and exact reads from it."""

from __future__ import annotations

from typing import Protocol


class Readable(Protocol):
    """Returns at most that many bytes, fewer when it likes, none only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """Takes all the bytes given."""

    def write(self, data: bytes, /) -> object: ...


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


def read_exactly(source: Readable, size: int) -> bytes:
    """``size`` bytes, fewer only when the stream ends: a pipe may hand out less at a time."""
    first = source.read(size)
    if len(first) == size or not first:
        return first
    data = bytearray(first)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return bytes(data)
