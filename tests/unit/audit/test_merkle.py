"""The tree against the published vectors of Certificate Transparency, and RFC 6962 by definition."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest

from audit import merkle
from audit.errors import LogVerificationError

CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(entries: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it: slow, recursive, and nothing to get wrong."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def reader(entries: Sequence[bytes]) -> merkle.SubtreeReader:
    return lambda level, index: mth(entries[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_ct_leaves(size: int) -> None:
    """The roots are those that every CT implementation publishes for these eight leaves."""
    entries = CT_LEAVES[:size]
    assert merkle.tree_root(size, reader(entries)).hex() == CT_ROOTS[size]
    assert merkle.root_of([merkle.leaf_hash(entry) for entry in entries]).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "expected"),
    [
        (0, 1, []),
        (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_inclusion_paths_of_the_ct_leaves(index: int, size: int, expected: list[str]) -> None:
    """The paths are those of the CT test suite, hash for hash."""
    path = merkle.inclusion_proof(index, size, reader(CT_LEAVES))
    assert [each.hex() for each in path] == expected
    leaf = merkle.leaf_hash(CT_LEAVES[index])
    merkle.verify_inclusion(leaf, index, size, path, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 1, []),
        (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_consistency_proofs_of_the_ct_leaves(old: int, new: int, expected: list[str]) -> None:
    """The consistency proofs are those of the CT test suite, hash for hash."""
    proof = merkle.consistency_proof(old, new, reader(CT_LEAVES))
    assert [each.hex() for each in proof] == expected
    roots = bytes.fromhex(CT_ROOTS[old]), bytes.fromhex(CT_ROOTS[new])
    merkle.verify_consistency(old, new, *roots, proof)


def test_proofs_cost_a_logarithm_of_reads() -> None:
    """A proof in a tree of 2⁴⁰ leaves and more reads a few dozen subtrees."""
    reads: list[tuple[int, int]] = []

    def count(level: int, index: int) -> bytes:
        reads.append((level, index))
        return bytes(32)

    merkle.inclusion_proof(2**39 + 12_345, 2**40 + 2**20 - 1, count)
    merkle.consistency_proof(2**39 + 12_345, 2**40 + 2**20 - 1, count)
    assert len(reads) < 200


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "proof"),
    [
        (0, 0, CT_ROOTS[1], CT_ROOTS[0], []),
        (0, 0, CT_ROOTS[0], CT_ROOTS[1], []),
        (0, 3, CT_ROOTS[1], CT_ROOTS[3], []),
        (0, 3, CT_ROOTS[0], CT_ROOTS[3], [CT_ROOTS[1]]),
        (3, 3, CT_ROOTS[3], CT_ROOTS[4], []),
        (3, 3, CT_ROOTS[3], CT_ROOTS[3], [CT_ROOTS[1]]),
        (4, 3, CT_ROOTS[4], CT_ROOTS[3], []),
        (1, 2, CT_ROOTS[1], CT_ROOTS[2], []),
        (3, 5, CT_ROOTS[3], CT_ROOTS[5], []),
        (-1, 5, CT_ROOTS[3], CT_ROOTS[5], []),
        (1, 2, CT_ROOTS[1], CT_ROOTS[1], []),
        (4, 8, CT_ROOTS[4], CT_ROOTS[4], []),
        (4, 8, CT_ROOTS[4], CT_ROOTS[8], ["00" * 32] * 65),
        (4, 8, CT_ROOTS[4], CT_ROOTS[8], ["00" * 31]),
    ],
)
def test_edge_cases_of_consistency_are_refused(
    old: int, new: int, old_root: str, new_root: str, proof: list[str]
) -> None:
    """Empty trees, equal sizes, sizes in disorder and malformed proofs each have one right answer."""
    hashes = [bytes.fromhex(each) for each in proof]
    with pytest.raises(LogVerificationError):
        merkle.verify_consistency(
            old, new, bytes.fromhex(old_root), bytes.fromhex(new_root), hashes
        )


def test_every_tree_begins_with_the_empty_one() -> None:
    """Size 0 and equal sizes verify with an empty proof and the right roots."""
    for size in range(9):
        root = bytes.fromhex(CT_ROOTS[size])
        merkle.verify_consistency(0, size, merkle.EMPTY_ROOT, root, [])
        merkle.verify_consistency(size, size, root, root, [])


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (1, 1), (0, 0), (5, 3)])
def test_an_index_outside_of_the_tree_is_refused(index: int, size: int) -> None:
    """No proof puts a leaf where the tree has none; making one is a caller's mistake."""
    root = merkle.leaf_hash(b"")
    with pytest.raises(LogVerificationError):
        merkle.verify_inclusion(root, index, size, [], root)
    with pytest.raises(ValueError, match="outside"):
        merkle.inclusion_proof(index, size, reader(CT_LEAVES))


@pytest.mark.parametrize(("index", "size"), [(0, 2), (1, 2), (3, 8)])
def test_an_inner_node_is_not_a_leaf(index: int, size: int) -> None:
    """A path that stops short is refused, also where the "leaf" given is the root itself."""
    root = bytes.fromhex(CT_ROOTS[size])
    with pytest.raises(LogVerificationError):
        merkle.verify_inclusion(root, index, size, [], root)
