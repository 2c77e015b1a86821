"""Agenda commitments: each opens once, in its own agenda, and says nothing before."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import MalformedError
from crypto.statements.agenda import (
    AgendaItem,
    AgendaOpening,
    AgendaPlace,
    commit_items,
    open_item,
    open_whole,
)
from crypto.statements.registry import DECOY_STEP, Agenda
from tests.support.statement_samples import ID, sample

ORIGIN = "dossiers.example/log"
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=5, max_size=5)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)

items = st.builds(
    AgendaItem,
    association=st.sampled_from(["altair", "amicale-du-nid", "mouvement-du-nid"]),
    dossier=st.builds(lambda one, two: f"{one}-{two}", LETTERS, LETTERS),
    rank=st.integers(0, 2**53 - 1),
    manifests=st.lists(DIGESTS, min_size=1, max_size=4).map(tuple),
)


def agenda(listed: list[AgendaItem], version: int = 1) -> tuple[Agenda, tuple[AgendaOpening, ...]]:
    place = AgendaPlace(ORIGIN, ID, version)
    commitments, openings = commit_items(place, listed, os.urandom)
    signed = sample(Agenda, sitting=ID, version=version, items=commitments)
    assert isinstance(signed, Agenda)
    return signed, openings


@given(st.lists(items, max_size=5), st.sampled_from([0, 60, DECOY_STEP]))
@settings(max_examples=40, deadline=None)
def test_what_was_listed_is_what_opens(some: list[AgendaItem], more: int) -> None:
    """Any number of dossiers is found again, in whatever order, among a number that tells nothing."""
    listed = [*some, *(some[:1] * more)]
    signed, openings = agenda(listed)
    assert len(signed.items) % DECOY_STEP == 0
    assert len(signed.items) - len(listed) < DECOY_STEP or not listed
    opened = open_whole(signed, ORIGIN, openings)
    found = sorted(repr(each.item) for each in opened if each.item)
    assert found == sorted(map(repr, listed))
    again, _openings = agenda(listed, version=2)
    assert not set(signed.items) & set(again.items)


@given(items, st.data())
@settings(max_examples=60, deadline=None)
def test_no_other_opening_is_believed(item: AgendaItem, data: st.DataObject) -> None:
    """One bit of opening or content, another log, sitting or version: it opens nothing."""
    signed, openings = agenda([item])
    shown = next(each for each in openings if each.content != b"null")
    assert open_item(signed, ORIGIN, shown).item == item
    which = data.draw(st.sampled_from(["opening", "content"]))
    octets = bytearray(getattr(shown, which))
    at = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[at // 8] ^= 1 << (at % 8)
    for agenda_, origin, attempt in (
        (signed, ORIGIN, replace(shown, **{which: bytes(octets)})),
        (signed, ORIGIN + "2", shown),
        (signed.model_copy(update={"sitting": "a" * 26}), ORIGIN, shown),
        (signed.model_copy(update={"version": 2}), ORIGIN, shown),
    ):
        with pytest.raises(MalformedError):
            open_item(agenda_, origin, attempt)
