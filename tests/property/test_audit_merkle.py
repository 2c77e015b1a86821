"""Proofs of random trees verify, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle
from audit.errors import LogVerificationError

MAX_SIZE = 300

LEAVES = [merkle.leaf_hash(index.to_bytes(4, "big")) for index in range(MAX_SIZE)]


def read(level: int, index: int) -> bytes:
    return merkle.root_of(LEAVES[index << level : (index + 1) << level])


def root(size: int) -> bytes:
    return merkle.root_of(LEAVES[:size])


sizes = st.integers(1, MAX_SIZE)
Mutation = Callable[[list[bytes]], list[bytes]]


def flip(proof: list[bytes], at: int, bit: int) -> list[bytes]:
    changed = bytearray(proof[at])
    changed[bit // 8] ^= 1 << (bit % 8)
    return [*proof[:at], bytes(changed), *proof[at + 1 :]]


def swap(proof: list[bytes], at: int, _bit: int) -> list[bytes]:
    rotated = [*proof[at + 1 :], *proof[: at + 1]]
    return rotated if rotated != proof else [*proof, bytes(32)]


SPOILERS: list[Callable[[list[bytes], int, int], list[bytes]]] = [
    flip,
    swap,
    lambda proof, at, _bit: proof[:at] + proof[at + 1 :],
    lambda proof, at, _bit: [*proof[:at], proof[at], *proof[at:]],
    lambda proof, _at, _bit: [*proof, bytes(32)],
    lambda proof, _at, _bit: [bytes(32), *proof],
]
"""Flip a bit, put in another order, drop, repeat, append, prepend."""


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """Ways to spoil a proof; one without hashes gets one."""
    spoil = draw(st.sampled_from(SPOILERS))
    where, bit = draw(st.integers(0, 63)), draw(st.integers(0, 255))
    return lambda proof: spoil(proof, where % len(proof), bit) if proof else [merkle.EMPTY_ROOT]


@given(st.data(), sizes)
def test_inclusion_of_any_leaf(data: st.DataObject, size: int) -> None:
    """Every leaf of every tree has a proof that verifies at its place and at no other."""
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, read)
    merkle.verify_inclusion(LEAVES[index], index, size, proof, root(size))
    other = data.draw(st.integers(0, size + 1))
    if other != index:
        with pytest.raises(LogVerificationError):
            merkle.verify_inclusion(LEAVES[index], other, size, proof, root(size))


@given(st.data(), sizes, mutations())
def test_a_spoilt_inclusion_proof_is_refused(
    data: st.DataObject, size: int, mutate: Mutation
) -> None:
    """No changed, shortened or lengthened path verifies, nor a right path for another leaf or root."""
    index = data.draw(st.integers(0, size - 1))
    proof = list(merkle.inclusion_proof(index, size, read))
    for leaf, path, head in (
        (LEAVES[index], mutate(proof), root(size)),
        (merkle.leaf_hash(b"other"), proof, root(size)),
        (LEAVES[index], proof, merkle.EMPTY_ROOT),
    ):
        with pytest.raises(LogVerificationError):
            merkle.verify_inclusion(leaf, index, size, path, head)


@given(st.data(), sizes)
def test_growth_is_consistent(data: st.DataObject, new: int) -> None:
    """Any earlier size of a growing tree has a consistency proof that verifies."""
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency_proof(old, new, read)
    merkle.verify_consistency(old, new, root(old), root(new), proof)


@given(st.data(), sizes, mutations())
def test_a_spoilt_consistency_proof_is_refused(
    data: st.DataObject, new: int, mutate: Mutation
) -> None:
    """No changed proof verifies, nor a right proof for other roots or sizes."""
    old = data.draw(st.integers(1, new))
    proof = list(merkle.consistency_proof(old, new, read))
    cases = [
        (old, new, root(old), root(new), mutate(proof)),
        (old, new, merkle.EMPTY_ROOT, root(new), proof),
        (old, new, root(old), merkle.EMPTY_ROOT, proof),
    ]
    if old < new:
        cases += [(old, new, root(new), root(old), proof), (new, old, root(new), root(old), proof)]
    for case in cases:
        with pytest.raises(LogVerificationError):
            merkle.verify_consistency(*case)


@given(st.data(), sizes)
def test_a_rewritten_history_has_no_proof(data: st.DataObject, new: int) -> None:
    """When one early leaf is replaced, the honest proof does not join the two trees."""
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    forged = [*LEAVES[:changed], merkle.leaf_hash(b"forged"), *LEAVES[changed + 1 : new]]

    def read_forged(level: int, index: int) -> bytes:
        return merkle.root_of(forged[index << level : (index + 1) << level])

    proof = merkle.consistency_proof(old, new, read_forged)
    with pytest.raises(LogVerificationError):
        merkle.verify_consistency(old, new, root(old), merkle.root_of(forged), proof)
