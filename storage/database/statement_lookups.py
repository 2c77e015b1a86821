"""Several look-ups of statements in one query: a decision asks some twenty things of the same few rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import BindParameter, Row, Select, bindparam, select, union_all

from crypto.digests import Digest
from exchange.usecases.ledger import REFERENCE_FIELDS, Accepted, Lookup, references
from storage.database.statement_tables import statement_references, statements
from storage.database.transaction import Transaction

VALUES_AT_ONCE: Final = 250
"""Values named in one part of a query: a request names 100 deposits, a sitting some twenty people."""

DIGEST: Final = "digest"
"""The field of a look-up by identity."""


def split(lookups: Sequence[Lookup]) -> Iterator[Lookup]:
    """The same look-ups, with no more values each than a query names; those of nothing left out."""
    for each in lookups:
        if each.field is None:
            yield each
            continue
        values = sorted(each.values)
        for at in range(0, len(values), VALUES_AT_ONCE):
            yield Lookup(each.kind, each.field, frozenset(values[at : at + VALUES_AT_ONCE]))


def looked_up(transaction: Transaction, lookups: Sequence[Lookup]) -> Sequence[Row[Any]]:
    """The rows that any of the look-ups finds, perhaps several times, in no order."""
    if not lookups:
        return []
    parameters: dict[str, object] = {}
    for n, each in enumerate(lookups):
        if each.kind is not None:
            parameters[f"type{n}"] = each.kind.TYPE
        if each.field is not None:
            parameters[f"values{n}"] = sorted(each.values)
        if each.field not in {None, DIGEST}:
            parameters[f"field{n}"] = each.field
    return transaction.rows(_query(tuple(_shape(each) for each in lookups)), parameters)


def matching(
    lookup: Lookup, found: Sequence[Accepted[Any]]
) -> Iterator[tuple[str | None, list[Accepted[Any]]]]:
    """For each value of a look-up (None: of one without), what it finds among ``found``."""
    kind = lookup.kind
    mine = [each for each in found if kind is None or type(each.statement) is kind]
    if lookup.field is None:
        yield None, mine
        return
    by_value: dict[str, list[Accepted[Any]]] = {value: [] for value in lookup.values}
    for each in mine:
        pairs = {*references(each.statement), (DIGEST, str(each.digest))}
        for value in {value for field, value in pairs if field == lookup.field} & lookup.values:
            by_value[value].append(each)
    yield from by_value.items()


def known_subset(
    known: dict[tuple[tuple[str, str], ...], Sequence[Accepted[Any]]],
    wanted: Sequence[tuple[str, str]],
) -> list[Accepted[Any]] | None:
    """The answer to a question about several fields, where one about a single of them is known."""
    broader = next((known[pair,] for pair in wanted if (pair,) in known), known.get(()))
    if broader is None:
        return None
    asked = set(wanted)
    return [each for each in broader if asked <= set(references(each.statement))]


def of_identity(digests: set[Digest]) -> Lookup:
    """A look-up by identity."""
    return Lookup(None, DIGEST, frozenset(digests))


def _shape(lookup: Lookup) -> tuple[bool, str]:
    if lookup.field is None:
        return lookup.kind is not None, "all"
    if lookup.field == DIGEST:
        return lookup.kind is not None, "identity"
    if lookup.field not in REFERENCE_FIELDS:
        raise TypeError(f"statements cannot be found by {lookup.field!r}")
    return lookup.kind is not None, "reference"


@lru_cache(maxsize=32)
def _query(shapes: tuple[tuple[bool, str], ...]) -> Any:
    """Made once a shape: building a query takes longer than executing it."""
    return union_all(*(_part(n, *shape) for n, shape in enumerate(shapes)))


def _part(n: int, typed: bool, how: str) -> Select[Any]:
    query = select(statements)
    values: BindParameter[Any] = bindparam(f"values{n}", expanding=True)
    if how == "reference":
        query = query.join(
            statement_references, statement_references.c.digest == statements.c.digest
        ).where(
            statement_references.c.field == bindparam(f"field{n}"),
            statement_references.c.value.in_(values),
        )
    if how == "identity":
        query = query.where(statements.c.digest.in_(values))
    if typed:
        query = query.where(statements.c.type == bindparam(f"type{n}"))
    return query
