"""Which details may be missing: those that a signed retention rule covers, after an attestation."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crypto.digests import Digest
from crypto.statements import Statement, Unverified
from crypto.statements.custody import Attestation, Retention
from exchange.replay.codes import Code
from exchange.replay.findings import Findings

Range = tuple[int, int]
"""First and last index, both included."""


@dataclass(frozen=True)
class Cause:
    """Why entries ``first`` to ``last`` may lack details."""

    first: int
    last: int
    rule: Digest
    statement: int
    """Index of the event that recorded the rule."""
    attestation: Digest | None


@dataclass(frozen=True)
class Erasures:
    """Entries without details: those erased by rule, and the others."""

    lawful: tuple[Range, ...] = ()
    unattested: tuple[Range, ...] = ()
    withheld: tuple[Range, ...] = ()
    causes: tuple[Cause, ...] = ()

    @property
    def count(self) -> int:
        """How many entries were erased by rule."""
        return sum(last - first + 1 for first, last in (*self.lawful, *self.unattested))

    def any_before(self, index: int) -> bool:
        """Whether details of an earlier entry were erased by rule."""
        ranges = sorted((*self.lawful, *self.unattested))
        return bisect_left(ranges, (index, 0)) > 0

    def report(self, findings: Findings) -> None:
        """The findings that follow."""
        for first, last in self.withheld:
            findings.add(Code.DISCLOSURE_MISSING, first, first=first, last=last)
        for first, last in self.unattested:
            findings.add(Code.DISCLOSURE_ERASED_EARLY, first, first=first, last=last)


@dataclass(frozen=True)
class _Listed:
    digest: Digest
    place: int
    range: Range


def erasures_of(
    undisclosed: Iterable[Range],
    statements: Mapping[Digest, Unverified[Statement]],
    accepted_at: Mapping[Digest, int],
) -> Erasures:
    """Sort undisclosed ranges. ``accepted_at``: statement to the index of its event.

    A rule covers only what was logged before it. The signatures of rule and attestation are checked
    where they stand in the log, like all others.
    """
    rules = _ranges(Retention, statements, accepted_at)
    attestations = _ranges(Attestation, statements, accepted_at)
    causes: list[Cause] = []
    lawful: list[Range] = []
    unattested: list[Range] = []
    withheld: list[Range] = []
    for first, last in undisclosed:
        cuts = _cuts(first, last, (*rules, *attestations))
        for low, high in itertools.pairwise(cuts):
            part = (low, high - 1)
            cause = _cause(part, rules, attestations)
            if cause is None:
                _extend(withheld, part)
                continue
            _extend(lawful if cause.attestation else unattested, part)
            causes.append(cause)
    return Erasures(tuple(lawful), tuple(unattested), tuple(withheld), tuple(causes))


def _cause(part: Range, rules: Sequence[_Listed], attestations: Sequence[_Listed]) -> Cause | None:
    """The rule that covers the part, by preference one that an attestation came before."""
    covering = [each for each in rules if _covers(each.range, part)]
    attested = [each for each in attestations if _covers(each.range, part)]
    for rule in covering:
        for each in attested:
            if each.place < rule.place:
                return Cause(*part, rule.digest, rule.place, each.digest)
    return Cause(*part, covering[0].digest, covering[0].place, None) if covering else None


def _ranges(
    kind: type[Retention | Attestation],
    statements: Mapping[Digest, Unverified[Statement]],
    accepted_at: Mapping[Digest, int],
) -> tuple[_Listed, ...]:
    """Each range that such a statement lists, as far as it lies before the statement's own event."""
    return tuple(
        _Listed(
            digest,
            accepted_at[digest],
            (each.first, min(each.last, accepted_at[digest] - 1)),
        )
        for digest, unverified in statements.items()
        if digest in accepted_at
        and isinstance(unverified.statement, (Retention, Attestation))
        and isinstance(unverified.statement, kind)
        for each in unverified.statement.ranges
    )


def _cuts(first: int, last: int, ranges: Iterable[_Listed]) -> list[int]:
    """Where the answer may change inside [first, last]."""
    places = {first, last + 1}
    for each in ranges:
        low, high = each.range
        places |= {cut for cut in (low, high + 1) if first < cut <= last}
    return sorted(places)


def _covers(rule: Range, part: Range) -> bool:
    return rule[0] <= part[0] and part[1] <= rule[1]


def _extend(ranges: list[Range], part: Range) -> None:
    if ranges and ranges[-1][1] + 1 == part[0]:
        ranges[-1] = (ranges[-1][0], part[1])
    else:
        ranges.append(part)
