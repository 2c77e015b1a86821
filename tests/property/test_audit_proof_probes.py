"""The published families of false proofs: each refused, in their own trees and in any other."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle
from audit.errors import LogVerificationError
from tests.support.proof_probes import (
    CONSISTENCIES,
    INCLUSIONS,
    Consistency,
    Inclusion,
    consistencies_near,
    consistencies_of_small_trees,
    inclusions_in_small_trees,
    inclusions_near,
)

PUBLISHED = 98
"""Cases of each kind in transparency-dev/merkle."""

TRUE = 6
"""Of these, how many hold."""

MAX_SIZE = 600
LEAVES = [merkle.leaf_hash(index.to_bytes(4, "big")) for index in range(MAX_SIZE)]


def read(level: int, index: int) -> bytes:
    return merkle.root_of(LEAVES[index << level : (index + 1) << level])


ALL_INCLUSIONS = list(
    chain(*(inclusions_near(*shape, read) for shape in INCLUSIONS), inclusions_in_small_trees())
)
ALL_CONSISTENCIES = list(
    chain(
        *(consistencies_near(*shape, read) for shape in CONSISTENCIES),
        consistencies_of_small_trees(),
    )
)


def verify(claim: Inclusion | Consistency) -> None:
    """Our verifier's verdict on a claim is the right one."""
    try:
        if isinstance(claim, Inclusion):
            merkle.verify_inclusion(claim.leaf, claim.index, claim.size, claim.proof, claim.root)
        else:
            roots = claim.old_root, claim.new_root
            merkle.verify_consistency(claim.old, claim.new, *roots, claim.proof)
    except LogVerificationError:
        assert not claim.holds, claim
    else:
        assert claim.holds, claim


def test_there_are_as_many_as_published() -> None:
    """98 claims of each kind, all different, of which six hold."""
    for claims in (ALL_INCLUSIONS, ALL_CONSISTENCIES):
        assert len(claims) == len(set(claims)) == PUBLISHED
        assert sum(claim.holds for claim in claims) == TRUE


@pytest.mark.parametrize("claim", ALL_INCLUSIONS, ids=lambda claim: f"{claim.index} {claim.name}")
def test_inclusion(claim: Inclusion) -> None:
    """A claim of inclusion is accepted if it is true, and refused by an error of ours if not."""
    verify(claim)


@pytest.mark.parametrize("claim", ALL_CONSISTENCIES, ids=lambda claim: f"{claim.old} {claim.name}")
def test_consistency(claim: Consistency) -> None:
    """A claim of consistency is accepted if it is true, and refused by an error of ours if not."""
    verify(claim)


@given(st.data(), st.integers(1, MAX_SIZE))
def test_inclusion_in_any_tree(data: st.DataObject, size: int) -> None:
    """The whole family of each leaf in each tree has the same verdicts."""
    for claim in inclusions_near(data.draw(st.integers(0, size - 1)), size, read):
        verify(claim)


@given(st.data(), st.integers(1, MAX_SIZE))
def test_consistency_in_any_tree(data: st.DataObject, new: int) -> None:
    """The whole family of each pair of sizes has the same verdicts."""
    for claim in consistencies_near(data.draw(st.integers(1, new)), new, read):
        verify(claim)
