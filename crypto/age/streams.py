"""The two halves of a byte stream that this package needs, and exact reads from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

Octets = bytes | bytearray | memoryview
"""Bytes in any of the forms that are written without a copy."""


class Readable(Protocol):
    """Returns at most that many bytes, fewer when it likes, none only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """Takes all the bytes given."""

    def write(self, data: Octets, /) -> object: ...


@runtime_checkable
class ReadableInto(Protocol):
    """Fills a buffer, or a part of it; 0 only at the end."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


@runtime_checkable
class Placing(Protocol):
    """Also takes bytes out of order, from several threads: ``offset`` counts from what ``write`` wrote."""

    def write_at(self, data: Octets, offset: int, /) -> None: ...


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

    def readinto(self, buffer: memoryview, /) -> int:
        while not self._current:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._current = memoryview(following)
        count = min(len(buffer), len(self._current))
        buffer[:count] = self._current[:count]
        self._current = self._current[count:]
        return count


def fill(source: Readable, buffer: memoryview) -> int:
    """Read into ``buffer`` until it is full or the stream ends; returns how much."""
    done = 0
    while done < len(buffer) and (got := _read_into(source, buffer[done:])):
        done += got
    return done


def _read_into(source: Readable, buffer: memoryview) -> int:
    if isinstance(source, ReadableInto):
        return source.readinto(buffer) or 0
    data = source.read(len(buffer))
    buffer[: len(data)] = data
    return len(data)


def read_exactly(source: Readable, size: int) -> bytes:
    """``size`` bytes, fewer only when the stream ends: a pipe may hand out less at a time."""
    first = source.read(size)
    if len(first) == size or not first:
        return first
    data = bytearray(first)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return bytes(data)
