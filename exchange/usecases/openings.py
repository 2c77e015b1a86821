"""Showing a broker many requests to open: a few an operation, and what it says when it goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.ports import Opening, OpenRequest

OPENINGS_TOGETHER: Final = 8
"""Openings of one operation of the broker, some 20 ms, for which a cosigning waits."""

Operation = Callable[[Sequence[OpenRequest]], Sequence[bytes | BrokerRefusalError]]
"""At most OPENINGS_TOGETHER requests; raises BrokerUnavailableError for all of them."""


def open_in_turn(
    operations: Iterable[Sequence[OpenRequest]], operation: Operation
) -> list[Opening]:
    """One outcome a request; once the broker is away, that is the outcome of all that are left.

    Raises BrokerUnavailableError if it said nothing of any (``ports.Broker.open_all``).
    """
    outcomes: list[Opening] = []
    left = list(operations)
    while left:
        try:
            outcomes += operation(left[0])
        except BrokerUnavailableError as error:
            if not outcomes:
                raise
            return [*outcomes, *(error for each in left for _ in each)]
        left = left[1:]
    return outcomes
