"""Ranges of log entries, both ends included, as statements list them."""

from __future__ import annotations

from collections.abc import Iterable

from crypto.statements.custody import IndexRange


def ranges_of(indices: Iterable[int]) -> tuple[IndexRange, ...]:
    """Ascending indices as ranges without gaps."""
    found: list[IndexRange] = []
    for index in indices:
        if found and found[-1].last == index - 1:
            found[-1] = IndexRange(first=found[-1].first, last=index)
        else:
            found.append(IndexRange(first=index, last=index))
    return tuple(found)


def covered(wanted: IndexRange, given: Iterable[IndexRange]) -> bool:
    """Whether the ranges, taken together, leave no gap in the wanted one."""
    need = wanted.first
    for each in sorted(given, key=lambda one: one.first):
        if each.first <= need <= each.last:
            need = each.last + 1
    return need > wanted.last
