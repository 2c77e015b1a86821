"""What is sent arrives whole, and in the room that it takes."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from exchange.web.bodies import READ_BYTES, read_octets
from exchange.web.errors import IncompleteBodyError

PART = bytes(range(256)) * 4096


@pytest.mark.parametrize("length", [1, READ_BYTES, READ_BYTES + 1, len(PART)])
@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_arrives_as_it_was_sent(length: int, terminated: bool) -> None:
    """Any length, from a server that ends the stream itself and from one that does not."""
    sent = EnvironBuilder(method="PUT", data=PART[:length]).get_environ()
    sent["wsgi.input_terminated"] = terminated
    with Flask(__name__).request_context(sent):
        assert read_octets(len(PART)) == PART[:length]


def test_a_body_cut_short_is_refused() -> None:
    """A connection that breaks off before the announced length gives nothing."""
    sent = EnvironBuilder(method="PUT", input_stream=io.BytesIO(PART[:-1])).get_environ()
    sent["CONTENT_LENGTH"] = str(len(PART))
    sent["wsgi.input_terminated"] = True
    with Flask(__name__).request_context(sent), pytest.raises(IncompleteBodyError):
        read_octets(len(PART))


def test_a_body_takes_its_own_length_in_memory() -> None:
    """A worker that receives many parts at once holds each of them once."""
    sent = EnvironBuilder(method="PUT", data=PART).get_environ()
    with Flask(__name__).request_context(sent):
        tracemalloc.start()
        try:
            data = read_octets(len(PART))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(data) == len(PART)
    assert peak < 1.5 * len(PART)
