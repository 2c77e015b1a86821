"""The domain's view of a statement, made once for each statement that is in memory.

A replay asks for the same roster, sitting and agenda at each of a thousand releases, and making the view
costs more than the decision. Statements never change, so the very same object has the very same view. It
is told by identity: comparing or hashing all its fields would cost what is to be saved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

KEPT: Final = 32
"""Views kept of each kind: the sittings, rosters and agendas that are in force at one time."""


class _Same(Generic[T]):
    """Equal to itself alone; holds the object, so that its identity is given to no other."""

    __slots__ = ("held",)

    def __init__(self, held: T) -> None:
        self.held = held

    def __hash__(self) -> int:
        return id(self.held)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.held is self.held


def converted_once(make: Callable[[T], R]) -> Callable[[T], R]:
    """``make``, remembered for the objects it was called with last. They must be immutable."""

    @lru_cache(maxsize=KEPT)
    def made(same: _Same[Any]) -> R:
        return make(same.held)

    @wraps(make)
    def wrapper(statement: T) -> R:
        return made(_Same(statement))

    return wrapper
