"""Chains of trust policies from a pinned root: rotation by both thresholds, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crypto.keys import PartySigningSeed
from crypto.statements import seal
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust
from tests.support.shared_vectors.encoded import Case
from tests.support.statement_samples import COMMON, FIELDS, ROOTS

OLD, NEW = ROOTS[:3], ROOTS[2:5]
"""They share one key, which counts on both sides."""


def _keys(seeds: Sequence[PartySigningSeed]) -> tuple[Any, ...]:
    return tuple(seed.verify_key() for seed in seeds)


TRUST = Trust(commission="a" * 26, root_keys=_keys(OLD), threshold=2)


def _policy(
    version: int,
    signers: Sequence[PartySigningSeed],
    *,
    roots: Sequence[PartySigningSeed] = OLD,
    **changes: Any,
) -> str:
    fields = {**FIELDS["trust-policy"], "version": version, "roots": _keys(roots), "threshold": 2}
    return seal(TrustPolicy(**{**COMMON, **fields, **changes}), signers).envelope.decode()


FIRST = _policy(1, OLD[:2])
SECOND = _policy(2, [*OLD[:2], *NEW[1:]], roots=NEW)
NOT_TRUSTED, BAD_SIGNATURE = "untrusted", "signature"


def build() -> dict[str, list[Case]]:
    accepted = [
        ("one policy", [FIRST], 1),
        ("the same roots", [FIRST, _policy(2, OLD[1:]), _policy(3, OLD)], 3),
        ("new roots by both thresholds", [FIRST, SECOND], 2),
        ("a key that is old and new", [FIRST, _policy(2, [OLD[0], OLD[2], NEW[1]], roots=NEW)], 2),
        ("the new roots go on", [FIRST, SECOND, _policy(3, NEW[1:], roots=NEW)], 3),
        ("a higher threshold, met", [FIRST, _policy(2, OLD, threshold=3)], 2),
    ]
    chains = [
        {"name": name, "trust_json": TRUST.to_json().decode(), "policies": policies, "version": version, "error": None}
        for name, policies, version in accepted
    ]  # fmt: skip
    chains += [
        {"name": name, "trust_json": TRUST.to_json().decode(), "policies": policies, "version": None, "error": error}
        for name, policies, error in _refused()
    ]  # fmt: skip
    return {"chains": chains, "expiry": _expiry(), "refused_trust": _refused_trust()}


def _expiry() -> list[Case]:
    """Whether a policy still counts at a moment: up to ``expires_at``, and not at it."""
    ends = "2026-09-01T00:00:00Z"
    moments = [
        ("a year before", "2025-09-01T00:00:00Z", None),
        ("a second before", "2026-08-31T23:59:59Z", None),
        ("at that second", ends, NOT_TRUSTED),
        ("a second after", "2026-09-01T00:00:01Z", NOT_TRUSTED),
    ]
    policy = _policy(1, OLD[:2], expires_at=ends)
    return [
        {"name": name, "trust_json": TRUST.to_json().decode(), "policies": [policy], "at": at, "error": error}
        for name, at, error in moments
    ]  # fmt: skip


def _refused() -> list[tuple[str, list[str], str]]:
    stranger = "b" * 25 + "a"
    return [
        ("nothing", [], NOT_TRUSTED),
        ("one signature of two", [_policy(1, OLD[:1])], BAD_SIGNATURE),
        ("the same key twice", [_policy(1, [OLD[0], OLD[0]])], BAD_SIGNATURE),
        ("strangers", [_policy(1, NEW[1:])], BAD_SIGNATURE),
        ("the first policy is number 2", [_policy(2, OLD[:2])], NOT_TRUSTED),
        ("another commission", [_policy(1, OLD[:2], commission=stranger)], NOT_TRUSTED),
        ("another commission goes on", [FIRST, _policy(2, OLD[:2], commission=stranger)], NOT_TRUSTED),
        ("new roots by the old alone", [FIRST, _policy(2, OLD[:2], roots=NEW)], BAD_SIGNATURE),
        ("new roots by the new alone", [FIRST, _policy(2, NEW, roots=NEW)], BAD_SIGNATURE),
        ("new roots with one old signature", [FIRST, _policy(2, [OLD[0], *NEW[1:]], roots=NEW)], BAD_SIGNATURE),
        ("a lower threshold by the lower threshold", [FIRST, _policy(2, OLD[:1], threshold=1)], BAD_SIGNATURE),
        ("a higher threshold, not met", [FIRST, _policy(2, OLD[:2], threshold=3)], BAD_SIGNATURE),
        ("a threshold above the keys", [FIRST, _policy(2, OLD, threshold=4)], NOT_TRUSTED),
        ("a threshold that only a repeated key meets", [FIRST, _policy(2, OLD, roots=[OLD[0], OLD[0]])], NOT_TRUSTED),
        ("the former roots after a rotation", [FIRST, SECOND, _policy(3, OLD[:2])], BAD_SIGNATURE),
        ("a version left out", [FIRST, _policy(3, OLD[:2])], NOT_TRUSTED),
        ("a version again", [FIRST, FIRST], NOT_TRUSTED),
        ("backwards", [SECOND, FIRST], NOT_TRUSTED),
    ]  # fmt: skip


def _refused_trust() -> list[Case]:
    good = TRUST.to_json().decode()
    changes = [
        ("threshold of zero", '"threshold": 2', '"threshold": 0'),
        ("threshold above the keys", '"threshold": 2', '"threshold": 4'),
        ("threshold as a float", '"threshold": 2', '"threshold": 2.0'),
        ("threshold as text", '"threshold": 2', '"threshold": "2"'),
        ("unknown key", '"threshold"', '"extra": 1, "threshold"'),
        ("duplicate key", '"commission"', '"commission": "a", "commission"'),
        ("no keys", good[good.index("[") : good.index("]") + 1], "[]"),
        ("not an object", "{", "[{"),
    ]
    return [
        {"name": name, "trust_json": good.replace(old, new), "error": "malformed"}
        for name, old, new in changes
    ]
