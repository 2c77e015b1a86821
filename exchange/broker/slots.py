"""A small file that is replaced in place: two slots, written in turn, as databases keep their roots.

A rename costs two flushes and two commits of the file system's journal; here the file never changes
its size, so that one flush of the written page is all. A slot is

    8 bytes number (big-endian) ‖ 4 bytes length ‖ 32 bytes SHA-256 over both and the content ‖ content

and the one with the higher number counts, among those whose hash is right: a write that a crash cut
short leaves the other slot, which it did not touch. Once the new one is on the medium the old one is
wiped, so that nobody finds an earlier state beside the present one. All callers hold the store's lock.

The process that wrote the present slot may have been killed before it flushed it: whoever did not flush
that number itself does so before it writes over the other slot, which is the only one on the medium then.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import unreadable, unwritable, write_all, write_file

_NUMBER_BYTES: Final = 8
_LENGTH_BYTES: Final = 4
_PREFIX_BYTES: Final = _NUMBER_BYTES + _LENGTH_BYTES
HEADER_BYTES: Final = _PREFIX_BYTES + hashlib.sha256().digest_size

PAGE_BYTES: Final = 4_096
"""Slots begin on a page of their own: writing one never touches the other."""


@dataclass(frozen=True)
class _Slot:
    place: int
    number: int
    content: bytes


class SlotFile:
    """One such file; ``slot_bytes`` is a multiple of PAGE_BYTES. Of what it read or wrote it remembers only
    the number that it flushed last.
    """

    def __init__(self, path: Path, slot_bytes: int) -> None:
        if slot_bytes % PAGE_BYTES:
            raise ValueError("slots are made of whole pages")
        self.path = path
        self._slot_bytes = slot_bytes
        self._flushed: int | None = None

    def create(self, content: bytes) -> None:
        """Make the file, or all of it anew; durable when it returns."""
        whole = self._framed(1, content).ljust(2 * self._slot_bytes, b"\0")
        write_file(self.path, whole)

    def exists(self) -> bool:
        """Whether the file was made."""
        return self.path.exists()

    def read(self) -> bytes:
        """The content; raises BrokerStoreError when there is none."""
        with self._opened(os.O_RDONLY) as descriptor:
            return self._current(descriptor).content

    def write(self, content: bytes) -> None:
        """Replace the content; durable when it returns. Raises BrokerStoreError."""
        with self._opened(os.O_RDWR) as descriptor:
            current = self._current(descriptor)
            framed = self._framed(current.number + 1, content)
            try:
                if current.number != self._flushed:
                    os.fdatasync(descriptor)
                write_all(descriptor, framed, (1 - current.place) * self._slot_bytes)
                os.fdatasync(descriptor)
                self._flushed = current.number + 1
                # Not flushed by itself: the next write to that slot carries it along.
                old = bytes(HEADER_BYTES + len(current.content))
                write_all(descriptor, old, current.place * self._slot_bytes)
            except OSError as error:
                raise unwritable(self.path, error) from error

    def _framed(self, number: int, content: bytes) -> bytes:
        if HEADER_BYTES + len(content) > self._slot_bytes:
            raise BrokerStoreError(
                "Le fichier « {name} » du gardien des clés ne peut contenir plus de {limit} octets.",
                name=self.path.name,
                limit=self._slot_bytes - HEADER_BYTES,
            )
        prefix = number.to_bytes(_NUMBER_BYTES, "big") + len(content).to_bytes(_LENGTH_BYTES, "big")
        return prefix + _hash(prefix, content) + content

    def _current(self, descriptor: int) -> _Slot:
        try:
            slots = [self._slot(descriptor, place) for place in (0, 1)]
        except OSError as error:
            raise unreadable(self.path, error) from error
        whole = [each for each in slots if each is not None]
        if not whole:
            raise BrokerStoreError(
                "Le fichier « {name} » du gardien des clés est altéré. N'y touchez pas : suivez la "
                "procédure de reprise du guide d'exploitation.",
                name=self.path.name,
            )
        return max(whole, key=lambda each: each.number)

    def _slot(self, descriptor: int, place: int) -> _Slot | None:
        start = place * self._slot_bytes
        data = os.pread(descriptor, PAGE_BYTES, start)
        prefix, digest = data[:_PREFIX_BYTES], data[_PREFIX_BYTES:HEADER_BYTES]
        number = int.from_bytes(prefix[:_NUMBER_BYTES], "big")
        end = HEADER_BYTES + int.from_bytes(prefix[_NUMBER_BYTES:], "big")
        if not number or not HEADER_BYTES <= end <= self._slot_bytes:
            return None
        if end > len(data):
            data += os.pread(descriptor, end - len(data), start + len(data))
        content = data[HEADER_BYTES:end]
        return _Slot(place, number, content) if _hash(prefix, content) == digest else None

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        try:
            descriptor = os.open(self.path, flags | os.O_NOFOLLOW)
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _hash(prefix: bytes, content: bytes) -> bytes:
    return hashlib.sha256(prefix + content).digest()
