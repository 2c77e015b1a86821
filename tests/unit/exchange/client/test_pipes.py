"""Two streaming steps joined without a file between them."""

from __future__ import annotations

from typing import BinaryIO

import pytest

from exchange.client.pipes import written_by


def test_what_is_written_is_read() -> None:
    """Everything arrives, in order, however large."""
    data = bytes(range(256)) * 20_000
    with written_by(lambda sink: sink.write(data) and None) as source:
        assert source.read() == data


def test_error_of_the_writer() -> None:
    """The writer's error is raised, also when the reader was content."""

    def produce(sink: BinaryIO) -> None:
        sink.write(b"half")
        raise ValueError("cut")

    with pytest.raises(ValueError, match="cut"), written_by(produce) as source:
        assert source.read() == b"half"


def test_error_of_the_writer_wins() -> None:
    """That the stream ended early is only the consequence: the cause is told."""

    def produce(sink: BinaryIO) -> None:
        raise ValueError("cause")

    with pytest.raises(ValueError, match="cause"), written_by(produce) as source:
        source.read()
        raise KeyError("consequence")


def test_error_of_the_reader() -> None:
    """A reader that leaves early ends the writer, and its own error is raised."""
    with (
        pytest.raises(KeyError),
        written_by(lambda sink: sink.write(bytes(10_000_000)) and None) as source,
    ):
        source.read(10)
        raise KeyError("enough")
