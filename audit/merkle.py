"""The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, proofs, and their verification.

Proofs are made from a ``SubtreeReader``, which gives the hash of any complete aligned subtree; so
a proof costs a logarithm of reads, whatever holds the tree. Verification follows RFC 9162 sections
2.1.3.2 and 2.1.4.2, with the two cases that those leave to the caller (old = new, old = 0).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

from audit.errors import LogVerificationError

HASH_BYTES: Final = 32
"""SHA-256."""

MAX_TREE_SIZE: Final = 2**63 - 1
"""What a signed 64-bit column holds; no proof is then longer than 63 (inclusion) hashes."""

MAX_PROOF_HASHES: Final = 64
"""Longest consistency proof between trees of at most 2⁶³ leaves."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""

SubtreeReader = Callable[[int, int], bytes]
"""``read(level, index)``: root of the complete subtree of leaves [index·2^level, (index+1)·2^level)."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over consecutive subtree hashes of one level; EMPTY_ROOT over none.

    Pairing neighbours and lifting an odd last one gives RFC 6962's tree, because its split is at
    the largest power of two: every left part is complete.
    """
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        odd = [row[-1]] if len(row) % 2 else []
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs] + odd
    return row[0]


def tree_root(size: int, read: SubtreeReader) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range_hash(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: SubtreeReader) -> tuple[bytes, ...]:
    """The path of leaf ``index`` in the tree of ``size`` leaves, leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError("the index lies outside of the tree")
    low, high, path = 0, size, list[bytes]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, read))
            high = middle
        else:
            path.append(_range_hash(low, middle, read))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, read: SubtreeReader) -> tuple[bytes, ...]:
    """The proof that the tree of ``new`` leaves begins with that of ``old`` (RFC 6962, 2.1.2).

    Empty when ``old`` is 0 or equals ``new``.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree is only consistent with a larger one")
    if old in {0, new}:
        return ()
    low, high, path = 0, new, list[bytes]()
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, read))
            high = middle
        else:
            path.append(_range_hash(low, middle, read))
            low = middle
    if low:  # the old tree is not one complete left subtree: its last part must be shown
        path.append(_range_hash(low, high, read))
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise LogVerificationError unless the leaf *hash* is at ``index`` (RFC 9162, 2.1.3.2)."""
    _check_hashes([leaf, root, *proof])
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise _refused_inclusion(index, size)
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _refused_inclusion(index, size)
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last or not hmac.compare_digest(computed, root):
        raise _refused_inclusion(index, size)


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise LogVerificationError unless the newer tree begins with the older (RFC 9162, 2.1.4.2)."""
    _check_hashes([old_root, new_root, *proof])
    if not 0 <= old <= new <= MAX_TREE_SIZE:
        raise _refused_consistency(old, new)
    if old in {0, new}:
        # RFC 9162 leaves these two out. Every tree begins with the empty one, whose root is
        # fixed; and a tree is consistent with itself alone. Neither has anything to prove.
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected or (new == 0 and new_root != EMPTY_ROOT):
            raise _refused_consistency(old, new)
        return
    computed = _consistency_roots(old, new, old_root, proof)
    if computed != (old_root, new_root):
        raise _refused_consistency(old, new)


def _consistency_roots(
    old: int, new: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise _refused_consistency(old, new)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise _refused_consistency(old, new)
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise _refused_consistency(old, new)
    return first, second


def _split(count: int) -> int:
    """The largest power of two smaller than ``count`` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(low: int, high: int, read: SubtreeReader) -> bytes:
    """The hash of leaves [low, high), where ``low`` is a multiple of the largest power of two in it.

    Every range of RFC 6962's recursion is of that form: its left parts are complete and aligned,
    so that reading those and folding from the right gives its hash.
    """
    parts: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(read(level, low >> level))
        low += 1 << level
    computed = parts.pop()
    while parts:
        computed = node_hash(parts.pop(), computed)
    return computed


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PROOF_HASHES + 2 or any(len(each) != HASH_BYTES for each in hashes):
        raise LogVerificationError("Cette preuve n'est pas faite d'empreintes de 32 octets.")


def _refused_inclusion(index: int, size: int) -> LogVerificationError:
    return LogVerificationError(
        "La preuve que l'événement n° {index} est dans le journal de {size} événements ne tient "
        "pas : refusez ce récépissé et signalez-le au vérificateur.",
        index=index,
        size=size,
    )


def _refused_consistency(old: int, new: int) -> LogVerificationError:
    return LogVerificationError(
        "Le journal de {new} événements ne prolonge pas celui de {old} : l'un des deux a été "
        "réécrit. Conservez les deux points de contrôle et signalez-les au vérificateur.",
        old=old,
        new=new,
    )
