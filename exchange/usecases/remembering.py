"""An index that asks its store once for each thing: for readings, while which nothing changes.

Besides sparing a thousand queries a page, it keeps the time of an answer from growing with statements
that the reader is not shown: what is looked up depends on what they may know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import OpenedItem
from exchange.usecases.ledger import Accepted, StatementIndex

S = TypeVar("S", bound=Statement)


class Remembering:
    """A ``StatementIndex`` over another, within one transaction."""

    def __init__(self, index: StatementIndex) -> None:
        self._index = index
        self._got: dict[Digest, Accepted[Statement] | None] = {}
        self._found: dict[object, Sequence[Accepted[Any]]] = {}
        self._opened: dict[Digest, Sequence[OpenedItem]] = {}

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""
        if digest not in self._got:
            self._got[digest] = self._index.get(digest)
        return self._got[digest]

    def find(self, kind: type[S], **references: str) -> Sequence[Accepted[S]]:
        """All of a type whose references match, oldest first."""
        asked = (kind, *sorted(references.items()))
        if asked not in self._found:
            found = self._index.find(kind, **references)
            self._found[asked] = found
            self._got.update({each.digest: each for each in found})
        return self._found[asked]

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """The items of an agenda that were shown here, decoys included."""
        if agenda not in self._opened:
            self._opened[agenda] = self._index.opened(agenda)
        return self._opened[agenda]
