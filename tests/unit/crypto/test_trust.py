"""The pinned root and the chain of trust policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from crypto.errors import BadSignatureError, CryptoError, MalformedError, UntrustedError
from crypto.keys import PartySigningSeed
from crypto.statements import Unverified, seal
from crypto.statements.registry import RegistrarKey, TrustPolicy
from crypto.trust import (
    MAX_TRUST_BYTES,
    Trust,
    TrustedPolicy,
    accept_chain,
    accept_first,
    accept_next,
    accept_signed,
)
from tests.support.statement_samples import COMMON, FIELDS, NOW, ROOTS

OLD, NEW = ROOTS[:3], ROOTS[2:5]


def keys(seeds: Sequence[PartySigningSeed]) -> tuple[Any, ...]:
    return tuple(seed.verify_key() for seed in seeds)


TRUST = Trust(commission="a" * 26, root_keys=keys(OLD), threshold=2)


def policy(
    version: int,
    signers: Sequence[PartySigningSeed],
    *,
    roots: Sequence[PartySigningSeed] = OLD,
    threshold: int = 2,
    **changes: Any,
) -> Unverified[TrustPolicy]:
    fields = FIELDS["trust-policy"] | {
        "version": version,
        "roots": keys(roots),
        "threshold": threshold,
    }
    return seal(TrustPolicy(**(COMMON | fields | changes)), signers)


FIRST = accept_first(TRUST, policy(1, OLD[:2]))


def test_the_first_policy_needs_the_pinned_threshold() -> None:
    """Two of the three pinned roots make policy 1; fewer, others or strangers do not."""
    assert FIRST.policy.version == 1
    for signers in (OLD[:1], [OLD[0], OLD[0]], NEW[1:], [OLD[0], NEW[1]]):
        with pytest.raises(BadSignatureError):
            accept_first(TRUST, policy(1, signers))


def test_the_first_policy_is_number_one_of_this_commission() -> None:
    """A later version, or another commission's policy, is no first policy."""
    with pytest.raises(UntrustedError):
        accept_first(TRUST, policy(2, OLD[:2]))
    with pytest.raises(UntrustedError, match="autre commission"):
        accept_first(TRUST, policy(1, OLD[:2], commission="b" * 25 + "a"))


@pytest.mark.parametrize(
    ("roots", "threshold", "signers", "accepted"),
    [
        (OLD, 2, OLD[:2], True),
        (NEW, 2, [*OLD[:2], *NEW[1:]], True),
        (NEW, 2, [OLD[0], OLD[2], NEW[1]], True),  # OLD[2] is NEW[0]: it counts on both sides
        (NEW, 2, OLD[:2], False),
        (NEW, 2, NEW, False),
        (NEW, 2, [OLD[0], *NEW[1:]], False),
        (NEW, 3, [*OLD[:2], *NEW[1:]], False),
        (OLD, 1, OLD[:1], False),  # the old threshold still holds for the change
        (OLD, 3, OLD[:2], False),
        (OLD, 3, OLD, True),
        (OLD, 4, OLD, False),
    ],
)
def test_a_rotation_needs_both_thresholds(
    roots: Sequence[PartySigningSeed],
    threshold: int,
    signers: Sequence[PartySigningSeed],
    accepted: bool,
) -> None:
    """A new root counts when the threshold of the old and of the new roots signed."""
    successor = policy(2, signers, roots=roots, threshold=threshold)
    if accepted:
        assert accept_next(FIRST, successor).policy.version == 2
    else:
        with pytest.raises(CryptoError):
            accept_next(FIRST, successor)


def test_a_rotated_root_has_nothing_more_to_say() -> None:
    """After a rotation the former roots alone no longer make a policy."""
    second = accept_next(FIRST, policy(2, [*OLD[:2], *NEW[1:]], roots=NEW))
    with pytest.raises(BadSignatureError):
        accept_next(second, policy(3, OLD[:2], roots=OLD))
    with pytest.raises(BadSignatureError):
        accept_next(second, policy(3, OLD[:2], roots=NEW))
    assert accept_next(second, policy(3, NEW[1:], roots=NEW)).policy.version == 3


@pytest.mark.parametrize("version", [1, 3, 100])
def test_versions_neither_return_nor_jump(version: int) -> None:
    """Only the very next version is accepted."""
    with pytest.raises(UntrustedError, match="ne suit pas"):
        accept_next(FIRST, policy(version, OLD[:2]))


def test_a_chain_is_accepted_in_order_only() -> None:
    """A chain ends in its last policy; out of order, cut at its start or empty it is refused."""
    chain = [policy(number, OLD[:2]) for number in (1, 2, 3)]
    assert accept_chain(TRUST, chain).policy.version == 3
    for broken in ([], chain[1:], chain[::-1], [chain[0], chain[2]], [chain[0], chain[0]]):
        with pytest.raises(UntrustedError):
            accept_chain(TRUST, broken)


def test_a_chain_that_was_accepted_covers_for_no_other() -> None:
    """Remembered is what these very bytes gave: one changed octet, or another anchor, is verified anew."""
    chain = tuple(policy(number, OLD[:2]).envelope for number in (1, 2))
    first = accept_signed(TRUST, chain)
    assert accept_signed(TRUST, chain) is first
    forged = policy(2, OLD[:1]).envelope
    for _ in range(2):
        with pytest.raises(BadSignatureError):
            accept_signed(TRUST, (chain[0], forged))
    other = TRUST.model_copy(update={"root_keys": tuple(key.verify_key() for key in NEW[1:])})
    with pytest.raises(BadSignatureError):
        accept_signed(other, chain)


def test_another_commission_never_continues_the_chain() -> None:
    """The commission stays the same along the chain."""
    with pytest.raises(UntrustedError):
        accept_next(FIRST, policy(2, OLD[:2], commission="b" * 25 + "a"))


def test_nobody_else_makes_a_trusted_policy() -> None:
    """Only the chain's verifier can call a policy trusted."""
    with pytest.raises(TypeError):
        TrustedPolicy(FIRST.verified, object())


def test_expiry() -> None:
    """A policy counts until its expiry and not at it."""
    FIRST.require_unexpired(NOW - timedelta(seconds=1))
    with pytest.raises(UntrustedError, match="02/03/2026"):
        FIRST.require_unexpired(NOW)


def test_keys_are_found_by_fingerprint_and_time() -> None:
    """A registrar's key counts before its end; a broker's key as long as the policy lists it."""
    registrar, broker = (seed.verify_key() for seed in ROOTS[3:5])
    trusted = accept_first(
        TRUST,
        policy(
            1,
            OLD[:2],
            registrar_keys=(RegistrarKey(key=registrar, not_after=NOW),),
            broker_keys=(broker,),
        ),
    )
    earlier = NOW - timedelta(seconds=1)
    assert trusted.registrar_key(registrar.fingerprint, earlier) == registrar
    assert trusted.registrar_key(registrar.fingerprint, NOW) is None
    assert trusted.registrar_key(broker.fingerprint, earlier) is None
    assert trusted.broker_key(broker.fingerprint) == broker
    assert trusted.broker_key(registrar.fingerprint) is None


def test_trust_file_round_trip() -> None:
    """The file that is written parses to the same trust, digest and fingerprint."""
    again = Trust.parse(TRUST.to_json())
    assert again == TRUST
    assert again.digest == TRUST.digest
    assert len(TRUST.fingerprint) == 32


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"threshold": 2', b'"threshold": 0'),
        (b'"threshold": 2', b'"threshold": 4'),
        (b'"threshold": 2', b'"threshold": 2.0'),
        (b'"threshold": 2', b'"threshold": "2"'),
        (b'"threshold"', b'"seuil"'),
        (b'"threshold"', b'"extra": 1, "threshold"'),
        (b'"commission"', b'"commission": "a", "commission"'),
        (b"{", b"[{"),
        (b"}", b"}" + b" " * MAX_TRUST_BYTES),
    ],
)
def test_a_malformed_trust_file_is_refused(old: bytes, new: bytes) -> None:
    """What is not exactly a trust file is refused."""
    with pytest.raises(MalformedError):
        Trust.parse(TRUST.to_json().replace(old, new))


def test_a_key_listed_twice_counts_once() -> None:
    """A threshold that only a repeated key could meet is refused when the file is read."""
    doubled = Trust(commission="a" * 26, root_keys=keys([OLD[0], OLD[0]]), threshold=2)
    with pytest.raises(MalformedError):
        Trust.parse(doubled.to_json())
    with pytest.raises(CryptoError):
        accept_next(FIRST, policy(2, OLD, roots=[OLD[0], OLD[0]], threshold=2))
