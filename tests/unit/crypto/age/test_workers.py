"""Workers: order, errors of each part, sinks that are written at places."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator

import pytest

from crypto.age.errors import PayloadError
from crypto.age.layout import CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES, WORKER_CHUNKS
from crypto.age.payload_open import open_stream
from crypto.age.payload_seal import seal_bytes, seal_stream, seal_unhashed
from crypto.age.streams import Octets, Pieces, Readable, fill
from crypto.age.workers import Batch, run_stages
from crypto.keys import FileKey

KEY = FileKey(b"YELLOW SUBMARINE")
NONCE = bytes(NONCE_BYTES)
PLAIN = os.urandom(9 * WORKER_CHUNKS * CHUNK_BYTES + 77)


class Placed:
    """A sink in memory that takes bytes at places, as a file does."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._base = 0

    def write(self, data: Octets, /) -> None:
        self.write_at(data, 0)
        self._base += len(data)

    def write_at(self, data: Octets, offset: int, /) -> None:
        end = self._base + offset + len(data)
        self.data.extend(bytes(max(0, end - len(self.data))))
        self.data[end - len(data) : end] = data


class Recorder:
    """A stage that is slower for even batches, and keeps what it saw in turn."""

    def __init__(self, seen: list[tuple[int, bytes, bool]]) -> None:
        self._seen = seen
        self._batch: tuple[int, bytes, bool] = (0, b"", False)

    def cipher(self, batch: Batch) -> None:
        time.sleep(0.002 * (batch.number % 2 == 0))
        self._batch = (batch.number, bytes(batch.data), batch.last)

    def in_turn(self) -> None:
        self._seen.append(self._batch)

    def afterwards(self) -> None:
        """Nothing."""


class OneByOne:
    """A pipe that hands out a byte at a time, and knows no ``readinto``."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(1, size))


def batches(source: Readable, size: int) -> list[tuple[int, bytes, bool]]:
    seen: list[tuple[int, bytes, bool]] = []
    run_stages(source, size, lambda: Recorder(seen))
    return seen


@pytest.mark.parametrize("make", [io.BytesIO, OneByOne, lambda data: Pieces(iter([data]))])
def test_batches_come_in_order_and_the_last_is_marked(make: type[OneByOne]) -> None:
    """Whatever the source and whichever worker is quicker: in order, one end, full or short or empty."""
    assert batches(make(b""), 2) == [(0, b"", True)]
    assert batches(make(b"a"), 2) == [(0, b"a", True)]
    assert batches(make(b"ab"), 2) == [(0, b"ab", True)]
    assert batches(make(b"abcde"), 2) == [(0, b"ab", False), (1, b"cd", False), (2, b"e", True)]
    text = bytes(range(60))
    assert b"".join(data for _, data, _ in batches(make(text), 2)) == text


def test_a_sink_with_places_holds_the_same_bytes() -> None:
    """Sealed and opened at places or in order: the same file, the same hash."""
    placed, ordered = Placed(), io.BytesIO()
    assert seal_stream(KEY, NONCE, io.BytesIO(PLAIN), placed) == seal_stream(
        KEY, NONCE, io.BytesIO(PLAIN), ordered
    )
    assert bytes(placed.data) == ordered.getvalue() == seal_bytes(KEY, NONCE, PLAIN)
    unhashed = Placed()
    seal_unhashed(KEY, NONCE, OneByOne(PLAIN[:300]), unhashed)
    assert bytes(unhashed.data) == seal_bytes(KEY, NONCE, PLAIN[:300])
    opened = Placed()
    open_stream(KEY, io.BytesIO(bytes(placed.data)), opened)
    assert bytes(opened.data) == PLAIN


def test_a_changed_chunk_never_reaches_its_place() -> None:
    """The opening fails, and where the changed chunk belongs there is nothing of it."""
    payload = bytearray(seal_bytes(KEY, NONCE, PLAIN))
    bad = 5 * WORKER_CHUNKS + 1
    payload[NONCE_BYTES + bad * SEALED_CHUNK_BYTES] ^= 1
    sink = Placed()
    with pytest.raises(PayloadError):
        open_stream(KEY, io.BytesIO(bytes(payload)), sink)
    place = bytes(sink.data[bad * CHUNK_BYTES : (bad + 1) * CHUNK_BYTES])
    assert place == bytes(len(place))


class Broken(Recorder):
    """Fails at batch 7 in one of its three steps."""

    def __init__(self, step: str) -> None:
        super().__init__([])
        self._step = step

    def _fail(self, step: str) -> None:
        if step == self._step and self._batch[0] == 7:
            raise OSError(step)

    def cipher(self, batch: Batch) -> None:
        super().cipher(batch)
        self._fail("cipher")

    def in_turn(self) -> None:
        self._fail("in_turn")

    def afterwards(self) -> None:
        self._fail("afterwards")


@pytest.mark.parametrize("step", ["cipher", "in_turn", "afterwards"])
def test_an_error_of_any_step_comes_out_and_no_thread_stays(step: str) -> None:
    """The caller gets the error itself, whichever worker met it."""
    before = threading.active_count()
    for _ in range(10):
        with pytest.raises(OSError, match=step):
            run_stages(io.BytesIO(bytes(40)), 2, lambda: Broken(step))
    assert threading.active_count() == before


def test_an_error_of_the_source_comes_out() -> None:
    """A file that breaks off in the middle of being read stops the sealing."""

    def pieces() -> Iterator[bytes]:
        yield PLAIN
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        seal_stream(KEY, NONCE, Pieces(pieces()), io.BytesIO())


def test_filling_joins_short_reads() -> None:
    """A buffer is filled from as many reads as it takes, and the end is a shorter count."""
    buffer = bytearray(4)
    assert fill(OneByOne(b"abcdef"), memoryview(buffer)) == 4
    assert buffer == b"abcd"
    assert fill(Pieces(iter([b"x", b"", b"yz"])), memoryview(buffer)) == 3
    assert buffer == b"xyzd"
