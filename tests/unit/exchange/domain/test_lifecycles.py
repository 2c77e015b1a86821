"""Lifecycles are total tables: what is not listed is refused, and what is over stays over."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from exchange.domain import (
    deposit_lifecycle,
    release_key_lifecycle,
    release_lifecycle,
    sitting_lifecycle,
)
from exchange.domain.errors import LifecycleError
from exchange.domain.lifecycle import allows, reachable, step, terminal

MODULES = (deposit_lifecycle, release_lifecycle, release_key_lifecycle, sitting_lifecycle)


def parts(module: Any) -> tuple[Mapping[Any, Mapping[Any, Any]], type[StrEnum], type[StrEnum]]:
    table = module.TABLE
    states = type(next(iter(table)))
    events = type(next(event for row in table.values() for event in row))
    return table, states, events


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_state_has_a_row(module: Any) -> None:
    """The table is total: no state is forgotten, terminal ones have an empty row."""
    table, states, _ = parts(module)
    assert set(table) == set(states)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_unlisted_pair_is_refused(module: Any) -> None:
    """A state and event that the table does not list raise, and name both."""
    table, states, events = parts(module)
    refused = 0
    for state, event in product(states, events):
        if not allows(table, state, event):
            refused += 1
            with pytest.raises(LifecycleError, match=str(event.value)):
                step(table, state, event)
    assert refused > 0


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_state_can_be_reached_and_something_ends(module: Any) -> None:
    """From the first state every other can be reached, and at least one is final."""
    table, states, _ = parts(module)
    assert reachable(table, module.INITIAL) == frozenset(states)
    assert terminal(table)


def test_nothing_is_purged_before_it_ended() -> None:
    """The only ways into `purged` lead from a withdrawal or a closing (C. patrimoine L214-3)."""
    table = deposit_lifecycle.TABLE
    sources = {
        state
        for state, row in table.items()
        if deposit_lifecycle.DepositState.PURGED in row.values()
    }
    assert sources == {
        deposit_lifecycle.DepositState.WITHDRAWN,
        deposit_lifecycle.DepositState.CLOSED,
    }
