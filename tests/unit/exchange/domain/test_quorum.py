"""Proxies and quorum (CRPA R133-9, R133-10, R133-12): counted as the articles say, never more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.errors import RuleError
from exchange.domain.ids import SeatCode
from exchange.domain.proxies import check_proxy
from exchange.domain.quorum import quorum_of
from exchange.domain.sittings import SeatTaken, Sitting
from tests.support.policy_facts import sitting

A, B, C, D, E = (SeatCode(each) for each in "abcde")
ALL = frozenset({A, B, C, D, E})


def seated() -> Sitting:
    from dataclasses import replace

    one = sitting().seats[0]
    taken: tuple[SeatTaken, ...] = tuple(
        replace(one, seat=seat, person=f"person-{seat}") for seat in sorted(ALL)
    )
    return replace(sitting(), seats=taken)


@pytest.mark.parametrize(
    ("given", "giver", "holder", "words"),
    [
        ({}, A, A, "lui-même"),
        ({}, A, SeatCode("elsewhere"), "entre membres"),
        ({}, SeatCode("elsewhere"), A, "entre membres"),
        ({C: B}, A, B, "tient déjà un mandat"),
        ({B: C}, A, B, "lui-même donné mandat"),
        ({C: A}, A, B, "Vous tenez le mandat"),
    ],
)
def test_proxies_that_the_code_forbids(
    given: Mapping[SeatCode, SeatCode], giver: SeatCode, holder: SeatCode, words: str
) -> None:
    """To oneself, to an outsider, a second one, of a proxy: each refused with its reason."""
    with pytest.raises(RuleError, match=words):
        check_proxy(seated(), given, giver, holder)


def test_a_proxy_may_change_hands() -> None:
    """Whoever gave a mandate may give it to another; the former one does not stand in the way."""
    check_proxy(seated(), {A: B}, A, C)
    check_proxy(seated(), {A: B}, A, B)


@pytest.mark.parametrize(
    ("there", "proxies", "recused", "reached"),
    [
        (set(), {}, set(), False),
        ({A, B}, {}, set(), False),
        ({A, B, C}, {}, set(), True),
        ({A, B}, {C: A}, set(), True),
        ({A, B}, {C: D}, set(), False),  # its holder is not there
        ({A, B, C}, {}, {C}, False),  # recused from this dossier
        ({A, B}, {C: A}, {A}, False),  # so is the holder
        ({A, B}, {C: A}, {C}, False),  # so is the giver
        ({A, B, C}, {C: A}, set(), True),  # who gave a mandate and came: counted once
        ({A, SeatCode("guest")}, {SeatCode("guest"): A}, set(), False),
    ],
)
def test_the_count(
    there: set[SeatCode],
    proxies: dict[SeatCode, SeatCode],
    recused: set[SeatCode],
    reached: bool,
) -> None:
    """Half of five members is three; in the room, remote or by a mandate whose holder is there."""
    found = quorum_of(ALL, there, proxies, recused, second_convocation=False)
    assert found.needed == 3
    assert found.reached is reached


def test_a_second_convocation_needs_no_quorum() -> None:
    """One member is enough, nobody is not (CRPA R133-10)."""
    assert quorum_of(ALL, {A}, {}, set(), second_convocation=True).reached
    assert not quorum_of(ALL, set(), {A: B}, set(), second_convocation=True).reached
    assert not quorum_of(ALL, {A}, {}, {A}, second_convocation=True).reached


seats = st.frozensets(st.sampled_from(sorted(ALL)))
proxies = st.dictionaries(st.sampled_from(sorted(ALL)), st.sampled_from(sorted(ALL)))


@given(seats, proxies, seats, st.sampled_from(sorted(ALL)))
def test_a_recusal_never_makes_a_quorum(
    there: frozenset[SeatCode],
    given_: dict[SeatCode, SeatCode],
    recused: frozenset[SeatCode],
    one_more: SeatCode,
) -> None:
    """Whoever steps aside, the count does not rise, and nobody is counted twice."""
    before = quorum_of(ALL, there, given_, recused, second_convocation=False)
    after = quorum_of(ALL, there, given_, recused | {one_more}, second_convocation=False)
    assert after.present + after.represented <= before.present + before.represented
    assert before.present + before.represented <= len(ALL)
