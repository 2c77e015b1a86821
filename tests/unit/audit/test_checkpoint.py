"""Checkpoint texts in their one form."""

from __future__ import annotations

import pytest

from audit.checkpoint import Checkpoint, parse_decimal
from audit.errors import LogFormatError
from audit.merkle import EMPTY_ROOT

GOOD = b"example.com/log\n42\nR/uqUtuNjSzPSUJM/hwpQYfrEL0bpZ0dSnSHJg4wDJw=\n"


def test_a_checkpoint_comes_back_as_it_was() -> None:
    """Parsing and writing are inverse, bit for bit."""
    parsed = Checkpoint.parse(GOOD)
    assert (parsed.origin, parsed.size, len(parsed.root)) == ("example.com/log", 42, 32)
    assert parsed.to_text() == GOOD


@pytest.mark.parametrize(
    "text",
    [
        b"",
        GOOD[:-1],
        GOOD + b"extension\n",
        GOOD + b"\n",
        GOOD.replace(b"42", b"042"),
        GOOD.replace(b"42", b"+42"),
        GOOD.replace(b"42", b""),
        GOOD.replace(b"42", b" 42"),
        GOOD.replace(b"42", "٤٢".encode()),
        GOOD.replace(b"42", b"9223372036854775808"),
        GOOD.replace(b"42", b"0"),
        GOOD.replace(b"example.com/log", b""),
        GOOD.replace(b"example.com/log", b"example.com log"),
        GOOD.replace(b"example.com/log", b"example.com+log"),
        GOOD.replace(b"Jw=", b"Jx="),
        GOOD.replace(b"R/uq", b""),
        GOOD.replace(b"example", b"\xff"),
        GOOD.replace(b"\n", b"\r\n"),
    ],
)
def test_malformed_checkpoints_are_refused(text: bytes) -> None:
    """No other spelling of a checkpoint is read, and no extension line."""
    with pytest.raises(LogFormatError):
        Checkpoint.parse(text)


def test_the_empty_log_has_one_root() -> None:
    """Size 0 goes with the hash of the empty string, and with nothing else."""
    empty = Checkpoint("o", 0, EMPTY_ROOT)
    assert Checkpoint.parse(empty.to_text()) == empty
    with pytest.raises(LogFormatError):
        Checkpoint("o", 0, bytes(32))


@pytest.mark.parametrize("text", ["0", "1", "10", "9223372036854775807"])
def test_decimals(text: str) -> None:
    """Sizes up to 2⁶³-1 are read."""
    assert str(parse_decimal(text)) == text
