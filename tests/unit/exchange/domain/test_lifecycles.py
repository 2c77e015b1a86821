"""The lifecycle tables: total, closed, and free of the paths that must not exist."""

from __future__ import annotations

import itertools

import pytest

from exchange.domain import (
    deposit_lifecycle,
    release_key_lifecycle,
    release_lifecycle,
    sitting_lifecycle,
)
from exchange.domain.deposit_lifecycle import DepositEvent, DepositState
from exchange.domain.errors import LifecycleError
from exchange.domain.lifecycle import allows, reachable, step, terminal
from exchange.domain.release_key_lifecycle import ReleaseKeyEvent, ReleaseKeyState
from exchange.domain.release_lifecycle import ReleaseEvent, ReleaseState
from exchange.domain.sitting_lifecycle import SittingEvent, SittingState
from exchange.domain.sittings import Stage

ALL = [
    (deposit_lifecycle, DepositState, DepositEvent, {"purged", "abandoned"}),
    (sitting_lifecycle, SittingState, SittingEvent, {"closed"}),
    (release_lifecycle, ReleaseState, ReleaseEvent, {"refused", "read"}),
    (release_key_lifecycle, ReleaseKeyState, ReleaseKeyEvent, {"destroyed"}),
]
NAMES = ["deposit", "sitting", "release", "release key"]


@pytest.mark.parametrize(("module", "states", "events", "_ends"), ALL, ids=NAMES)
def test_every_state_has_a_row(module, states, events, _ends):
    """No state is forgotten: each has a row, if an empty one."""
    assert set(module.TABLE) == set(states)


@pytest.mark.parametrize(("module", "states", "events", "_ends"), ALL, ids=NAMES)
def test_every_unlisted_pair_is_refused(module, states, events, _ends):
    """What the table does not list cannot happen, and the error names state and event."""
    for state, event in itertools.product(states, events):
        if event in module.TABLE[state]:
            assert step(module.TABLE, state, event) is module.TABLE[state][event]
            continue
        assert not allows(module.TABLE, state, event)
        with pytest.raises(LifecycleError) as refusal:
            step(module.TABLE, state, event)
        assert state.value in str(refusal.value)
        assert event.value in str(refusal.value)


@pytest.mark.parametrize(("module", "states", "_events", "ends"), ALL, ids=NAMES)
def test_ends_are_those_meant(module, states, _events, ends):
    """Exactly the states meant as ends have no way out."""
    assert {state.value for state in terminal(module.TABLE)} == ends


@pytest.mark.parametrize(("module", "states", "_events", "_ends"), ALL, ids=NAMES)
def test_every_state_is_reachable(module, states, _events, _ends):
    """No state is dead: each can be reached from the first."""
    assert reachable(module.TABLE, module.INITIAL) == frozenset(states)


@pytest.mark.parametrize(("module", "states", "events", "_ends"), ALL, ids=NAMES)
def test_every_event_happens_somewhere(module, states, events, _ends):
    """No event is dead: each is possible in some state."""
    assert {event for row in module.TABLE.values() for event in row} == set(events)


def test_nothing_brings_a_withdrawn_deposit_back():
    """From withdrawn, no path leads to a state in which a deposit can be read."""
    after = reachable(deposit_lifecycle.TABLE, DepositState.WITHDRAWN)
    assert after == {DepositState.WITHDRAWN, DepositState.PURGED}


def test_nothing_is_purged_before_its_end():
    """A purge follows a withdrawal or a closing, and nothing else (C. patrimoine L214-3)."""
    purgeable = {
        state
        for state in DepositState
        if allows(deposit_lifecycle.TABLE, state, DepositEvent.PURGE)
    }
    assert purgeable == {DepositState.WITHDRAWN, DepositState.CLOSED}


def test_a_destroyed_key_is_never_made_again():
    """No event leads from destroyed to held."""
    after = reachable(release_key_lifecycle.TABLE, ReleaseKeyState.DESTROYED)
    assert ReleaseKeyState.HELD not in after


def test_a_refused_request_is_never_authorised():
    """A request that was refused once gives no header later: a new one must be signed."""
    assert reachable(release_lifecycle.TABLE, ReleaseState.REFUSED) == {ReleaseState.REFUSED}


def test_nothing_is_read_without_authorisation():
    """Without its edge to authorised, no request would ever reach answered or read."""
    cut = {
        state: {event: after for event, after in row.items() if event is not ReleaseEvent.AUTHORISE}
        for state, row in release_lifecycle.TABLE.items()
    }
    assert not {ReleaseState.ANSWERED, ReleaseState.READ} & reachable(cut, ReleaseState.REQUESTED)


def test_stages_of_statements_are_states():
    """Each stage that a sitting statement may declare is a state of its lifecycle."""
    assert {stage.value for stage in Stage} < {state.value for state in SittingState}
