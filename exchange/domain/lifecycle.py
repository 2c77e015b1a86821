"""The shape that all lifecycles share: a total table, state × event → state.

A state without a way out has an empty row; a pair that is not listed is refused. Diagrams in the
documentation are drawn from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from exchange.domain.errors import LifecycleError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def step(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> State:
    """The state after ``event``; raises LifecycleError for a pair that the table does not list."""
    after = table[state].get(event)
    if after is None:
        raise LifecycleError(
            "« {event} » n'est pas possible dans l'état « {state} ».",
            event=event.value,
            state=state.value,
        )
    return after


def allows(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> bool:
    """Whether the table lists the pair."""
    return event in table[state]


def reachable(table: Mapping[State, Mapping[Event, State]], start: State) -> frozenset[State]:
    """All states that some sequence of events leads to, ``start`` included."""
    seen = {start}
    waiting = [start]
    while waiting:
        new = set(table[waiting.pop()].values()) - seen
        seen |= new
        waiting += new
    return frozenset(seen)


def terminal(table: Mapping[State, Mapping[Event, State]]) -> frozenset[State]:
    """The states that nothing leaves."""
    return frozenset(state for state, row in table.items() if not row)
