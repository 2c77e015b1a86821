"""What passes between service and broker, read back as it was written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crypto.errors import MalformedError
from exchange.usecases.broker_wire import Refused, plain_params, read, write

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
