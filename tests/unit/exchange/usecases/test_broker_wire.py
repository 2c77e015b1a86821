"""What passes between service and broker, read back as it was written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crypto.errors import MalformedError
from exchange.usecases.broker_wire import (
    MAX_REQUEST_BYTES,
    OPENINGS_TOGETHER,
    OpeningsWanted,
    OpeningWanted,
    Outcome,
    Outcomes,
    Refused,
    in_messages,
    plain_params,
    read,
    write,
)
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Attested, OpenRequest

AT = datetime(2027, 3, 2, 9, 30, 15, 123, tzinfo=UTC)


def test_a_refusal_keeps_its_moments() -> None:
    """A sentence that writes a day still can after the way over the wire."""
    sent = Refused(
        message="n° {version}, le {at:%d/%m/%Y}", params=plain_params({"version": 3, "at": AT})
    )
    got = read(Refused, write(sent))
    assert got.message.format(**got.params) == "n° 3, le 02/03/2027"


@pytest.mark.parametrize("value", ["true", "1.5", "null", "[1]", '{"moment":"demain"}', '{"x":1}'])
def test_other_parameters_are_refused(value: str) -> None:
    """Only strings, whole numbers and moments are parameters."""
    with pytest.raises(MalformedError):
        read(Refused, f'{{"message":"x","params":{{"a":{value}}}}}'.encode())


def opening(name: str, length: int = 10) -> OpenRequest:
    return OpenRequest(b"{}", (Attested(bytes(length), b"r"),), b"r", name, b"e")


def test_openings_go_in_messages_that_are_read() -> None:
    """Eight at most, fewer where they are long, each in its order; and each message is one that the
    other side reads."""
    asked = [
        *(opening(f"a{number}") for number in range(OPENINGS_TOGETHER + 1)),
        *(opening(f"b{number}", 5_000_000) for number in range(3)),
    ]
    messages = list(in_messages(asked))
    assert [each for message in messages for each in message] == asked
    assert [len(each) for each in messages] == [8, 3, 1]
    for message in messages:
        sent = write(OpeningsWanted(openings=tuple(map(OpeningWanted.of, message))))
        assert len(sent) <= MAX_REQUEST_BYTES
        assert read(OpeningsWanted, sent).requests() == message
    assert list(in_messages([])) == []


def test_outcomes_come_back_as_they_were() -> None:
    """A header, and a refusal with its reason."""
    refused = BrokerRefusalError("Non : {reason}.", reason="recused")
    sent = write(Outcomes(outcomes=(Outcome.of(b"header"), Outcome.of(refused))))
    header, said = (each.opening() for each in read(Outcomes, sent).outcomes)
    assert header == b"header"
    assert isinstance(said, BrokerRefusalError)
    assert (said.message, said.params) == (refused.message, refused.params)


@pytest.mark.parametrize("text", ["{}", '{"octets":"aA==","refused":{"message":"x","params":{}}}'])
def test_an_outcome_says_one_thing(text: str) -> None:
    """Neither yes nor no, or both, is a broker that is not understood."""
    with pytest.raises(MalformedError):
        read(Outcome, text.encode()).opening()
