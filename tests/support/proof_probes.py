"""The case families of transparency-dev/merkle's proof tests, made anew for any tree.

For one true proof each family gives the claims that lie next to it: another index or size, another
leaf or root, a hash changed, dropped, added, before or behind. Five trees, and the claims about
trees of no or one leaf, make the 98 + 98 cases which that project publishes (its ``testdata/inclusion``
and ``testdata/consistency``). The values are ours; shapes and verdicts are theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from audit.merkle import EMPTY_ROOT, SubtreeReader, consistency_proof, inclusion_proof, tree_root

INCLUSIONS = ((0, 1), (0, 8), (5, 8), (2, 3), (1, 5))
"""Leaf and size of the five true inclusions."""

CONSISTENCIES = ((1, 1), (1, 8), (6, 8), (2, 5), (6, 7))
"""Sizes of the five true pairs."""

SOME_HASH = hashlib.sha256(b"of no tree").digest()
NO_HASH = b""
NO_ROOT = b"WrongRoot"


@dataclass(frozen=True)
class Inclusion:
    """A claim that the leaf hash ``leaf`` is at ``index`` of the tree ``root``."""

    name: str
    leaf: bytes
    index: int
    size: int
    proof: tuple[bytes, ...]
    root: bytes
    holds: bool = False


@dataclass(frozen=True)
class Consistency:
    """A claim that the tree ``new_root`` begins with the tree ``old_root``."""

    name: str
    old: int
    new: int
    old_root: bytes
    new_root: bytes
    proof: tuple[bytes, ...]
    holds: bool = False


def inclusions_near(index: int, size: int, read: SubtreeReader) -> Iterator[Inclusion]:
    """The true inclusion, and all that its family derives from it."""
    proof, root = inclusion_proof(index, size, read), tree_root(size, read)
    true = Inclusion("true", read(0, index), index, size, proof, root, holds=True)
    yield true
    false = replace(true, holds=False)
    for name, changes in (
        ("index - 1", {"index": index - 1}),
        ("index + 1", {"index": index + 1}),
        ("index ^ 2", {"index": index ^ 2}),
        ("size * 2", {"size": size * 2}),
        ("size / 2", {"size": size // 2}),
        ("wrong leaf", {"leaf": b"WrongLeaf"}),
        ("empty root", {"root": EMPTY_ROOT}),
        ("random root", {"root": SOME_HASH}),
        ("trailing garbage", {"proof": (*proof, NO_HASH)}),
        ("trailing root", {"proof": (*proof, root)}),
        ("preceding garbage", {"proof": (NO_HASH, *proof)}),
        ("preceding root", {"proof": (root, *proof)}),
    ):
        yield replace(false, name=name, **changes)
    for at in range(len(proof)):
        yield replace(false, name=f"proof[{at}] changed", proof=_changed(proof, at, bit=3))
    if proof:
        yield replace(false, name="component removed", proof=proof[:-1])
    if len(proof) > 1:
        inserted = (proof[0], SOME_HASH, *proof[1:])
        yield replace(false, name="component inserted", proof=inserted)


def inclusions_in_small_trees() -> Iterator[Inclusion]:
    """Claims without a proof, about trees of no or one leaf."""
    for index, size in ((0, 0), (0, 1), (1, 0), (2, 1)):
        for name, leaf, root in (
            ("empty root", NO_HASH, EMPTY_ROOT),
            ("empty root, some leaf", SOME_HASH, EMPTY_ROOT),
            ("some leaf", SOME_HASH, NO_HASH),
        ):
            yield Inclusion(f"{name} {index}/{size}", leaf, index, size, (), root)
    yield Inclusion("one leaf", SOME_HASH, 0, 1, (), SOME_HASH, holds=True)
    yield Inclusion("one leaf, no root", SOME_HASH, 0, 1, (), NO_HASH)
    yield Inclusion("one leaf, no leaf", NO_HASH, 0, 1, (), SOME_HASH)
    yield Inclusion("one leaf, neither", NO_HASH, 0, 1, (), NO_HASH)


def consistencies_near(old: int, new: int, read: SubtreeReader) -> Iterator[Consistency]:
    """The true pair, and all that its family derives from it."""
    proof = consistency_proof(old, new, read)
    first, second = tree_root(old, read), tree_root(new, read)
    true = Consistency("true", old, new, first, second, proof, holds=True)
    yield true
    if not proof:
        return
    false = replace(true, holds=False)
    for name, changes in (
        ("old - 1", {"old": old - 1}),
        ("old + 1", {"old": old + 1}),
        ("old ^ 2", {"old": old ^ 2}),
        ("new * 2", {"new": new * 2}),
        ("new / 2", {"new": new // 2}),
        ("wrong old root", {"old_root": NO_ROOT}),
        ("wrong new root", {"new_root": NO_ROOT}),
        ("roots swapped", {"old_root": second, "new_root": first}),
        ("empty proof", {"proof": ()}),
        ("trailing garbage", {"proof": (*proof, NO_HASH)}),
        ("trailing old root", {"proof": (*proof, first)}),
        ("trailing new root", {"proof": (*proof, second)}),
        ("preceding garbage", {"proof": (NO_HASH, *proof)}),
        ("preceding old root", {"proof": (first, *proof)}),
        ("preceding new root", {"proof": (second, *proof)}),
        ("preceding proof[0]", {"proof": (proof[0], *proof)}),
        ("truncated", {"proof": proof[:-1]}),
    ):
        yield replace(false, name=name, **changes)
    for at in range(len(proof)):
        yield replace(false, name=f"proof[{at}] changed", proof=_changed(proof, at, bit=4))


def consistencies_of_small_trees() -> Iterator[Consistency]:
    """Empty trees, equal sizes, sizes in disorder."""
    other = hashlib.sha256(b"another").digest()
    for name, old, new, roots, proof, holds in (
        ("1 > 0", 1, 0, (SOME_HASH, SOME_HASH), (), False),
        ("2 > 1", 2, 1, (SOME_HASH, SOME_HASH), (), False),
        ("no proof", 1, 2, (SOME_HASH, SOME_HASH), (), False),
        ("both one", 1, 1, (SOME_HASH, SOME_HASH), (), True),
        ("both one, other roots", 1, 1, (SOME_HASH, other), (), False),
        ("both one, empty root", 1, 1, (EMPTY_ROOT, SOME_HASH), (), False),
        ("both one, a proof", 1, 1, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
        ("both empty, some root", 0, 0, (SOME_HASH, SOME_HASH), (), False),
        ("both empty, other roots", 0, 0, (SOME_HASH, other), (), False),
        ("both empty, one root", 0, 0, (EMPTY_ROOT, SOME_HASH), (), False),
        ("both empty, a proof", 0, 0, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
        ("empty, some roots", 0, 1, (SOME_HASH, other), (), False),
        ("empty, short root", 0, 1, (EMPTY_ROOT, NO_ROOT), (), False),
        ("empty, a proof", 0, 1, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
    ):
        yield Consistency(name, old, new, *roots, proof, holds)


def _changed(proof: Sequence[bytes], at: int, *, bit: int) -> tuple[bytes, ...]:
    spoilt = bytes([proof[at][0] ^ 1 << bit]) + proof[at][1:]
    return (*proof[:at], spoilt, *proof[at + 1 :])
