"""The payload: sizes, borders, order, threads."""

from __future__ import annotations

import io
import os
import threading

import pytest

from crypto.age.errors import HeaderError, PayloadError
from crypto.age.layout import (
    BATCH_CHUNKS,
    CHUNK_BYTES,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    chunk_nonce,
    payload_length,
    payload_length_is_valid,
)
from crypto.age.payload_open import open_stream
from crypto.age.payload_seal import seal_bytes, seal_stream
from crypto.age.pipeline import WINDOW, batches, in_order
from crypto.age.streams import read_exactly
from crypto.keys import FileKey

KEY = FileKey(b"YELLOW SUBMARINE")
NONCE = bytes(16)
BATCH = BATCH_CHUNKS * CHUNK_BYTES
BORDERS = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, BATCH - 1, BATCH,
           BATCH + 1, 5 * BATCH + 7)  # fmt: skip


def opened(payload: bytes, key: FileKey = KEY) -> bytes:
    sink = io.BytesIO()
    open_stream(key, io.BytesIO(payload), sink)
    return sink.getvalue()


@pytest.mark.parametrize("length", BORDERS)
def test_round_trip_at_every_border(length: int) -> None:
    """Plaintexts around chunk and batch borders come back, with the predicted length and progress."""
    plaintext = os.urandom(length)
    sink = io.BytesIO()
    told: list[int] = []
    written = seal_stream(KEY, NONCE, io.BytesIO(plaintext), sink, progress=told.append)
    payload = sink.getvalue()
    assert written.length == len(payload) == payload_length(length)
    assert payload_length_is_valid(len(payload))
    assert sum(told) == length
    assert seal_bytes(KEY, NONCE, plaintext) == payload
    assert opened(payload) == plaintext


def test_every_cut_at_a_chunk_border_is_refused() -> None:
    """A payload cut after any chunk, and before the first, does not open."""
    payload = seal_bytes(KEY, NONCE, bytes(3 * CHUNK_BYTES + 5))
    for chunks in range(4):
        with pytest.raises(PayloadError):
            opened(payload[: NONCE_BYTES + chunks * SEALED_CHUNK_BYTES])
    for cut in (0, NONCE_BYTES - 1):
        with pytest.raises(HeaderError):
            opened(payload[:cut])


def test_only_authentic_plaintext_is_released() -> None:
    """Of a payload with a changed chunk the chunks before it are released, and no byte after."""
    plaintext = os.urandom(20 * CHUNK_BYTES)
    payload = bytearray(seal_bytes(KEY, NONCE, plaintext))
    payload[NONCE_BYTES + 18 * SEALED_CHUNK_BYTES + 99] ^= 1
    sink = io.BytesIO()
    with pytest.raises(PayloadError):
        open_stream(KEY, io.BytesIO(payload), sink)
    assert sink.getvalue() == plaintext[: 18 * CHUNK_BYTES]


def test_chunks_cannot_be_moved_doubled_or_dropped() -> None:
    """The counter binds each chunk to its place."""
    payload = seal_bytes(KEY, NONCE, os.urandom(4 * CHUNK_BYTES))
    nonce, rest = payload[:NONCE_BYTES], payload[NONCE_BYTES:]
    chunks = [rest[at : at + SEALED_CHUNK_BYTES] for at in range(0, len(rest), SEALED_CHUNK_BYTES)]
    for order in ((1, 0, 2, 3), (0, 0, 1, 2, 3), (0, 2, 3), (0, 1, 2, 3, 3), (3,)):
        with pytest.raises(PayloadError):
            opened(nonce + b"".join(chunks[at] for at in order))


def test_another_nonce_or_key_does_not_open() -> None:
    """The payload key depends on the file key and on every bit of the nonce."""
    payload = seal_bytes(KEY, NONCE, b"text")
    with pytest.raises(PayloadError):
        opened(b"\x01" + payload[1:])
    with pytest.raises(PayloadError):
        opened(payload, FileKey(b"YELLOW SUBMARINF"))


def test_valid_lengths_are_exactly_those_that_can_be_made() -> None:
    """Of all lengths up to three chunks, those called valid are those of some plaintext."""
    limit = 3 * SEALED_CHUNK_BYTES
    possible = {payload_length(size) for size in range(limit)}
    assert {length for length in range(limit) if payload_length_is_valid(length)} == {
        length for length in possible if length < limit
    }


def test_nonces_never_repeat_across_the_flag() -> None:
    """Counter and last flag occupy different bytes."""
    assert chunk_nonce(0, last=False) == bytes(12)
    assert chunk_nonce(256, last=True) == bytes(9) + b"\x01\x00\x01"


def test_memory_stays_bounded() -> None:
    """However long the source, only a window of batches is in flight."""

    class Long:
        left = 64 * BATCH

        def read(self, size: int, /) -> bytes:
            step = min(size, self.left, 100_000)
            self.left -= step
            return bytes(step)

    class Sink:
        most = written = 0

        def write(self, data: bytes, /) -> None:
            self.written += len(data)
            self.most = max(self.most, len(data), 64 * BATCH - source.left - self.written)

    source, sink = Long(), Sink()
    seal_stream(KEY, NONCE, source, sink)
    assert sink.written == payload_length(64 * BATCH)
    assert sink.most <= (WINDOW + 2) * BATCH


def test_a_failing_sink_stops_everything() -> None:
    """An error of the sink comes out as it is, and no thread is left behind."""

    class Full:
        def write(self, data: bytes, /) -> None:
            raise OSError("full")

    before = threading.active_count()
    with pytest.raises(OSError, match="full"):
        seal_stream(KEY, NONCE, io.BytesIO(bytes(8 * BATCH)), Full())
    assert threading.active_count() == before


def test_batches_mark_the_end_once() -> None:
    """The last batch is marked, be it full, short or empty; short reads are filled up."""

    class OneByOne(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(1, size or 0))

    assert list(batches(OneByOne(b"abcd"), 2)) == [(0, b"ab", False), (1, b"cd", True)]
    assert list(batches(OneByOne(b"abc"), 2)) == [(0, b"ab", False), (1, b"c", True)]
    assert list(batches(OneByOne(b""), 2)) == [(0, b"", True)]
    assert read_exactly(OneByOne(b"abc"), 5) == b"abc"


def test_results_keep_their_order() -> None:
    """Results come in the order of the batches, whichever thread is quicker."""
    jobs = ((number, b"", False) for number in range(50))
    assert list(in_order(jobs, lambda number, _data, _last: number)) == list(range(50))
