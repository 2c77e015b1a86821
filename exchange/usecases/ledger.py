"""Finding accepted statements, written once for the service, the broker and the auditor's replay.

Each of them keeps accepted statements its own way (SQL, files, memory) and offers the same two
look-ups; what a set of statements *means* is computed above them, by ``usecases.facts``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import OpenedItem

S = TypeVar("S", bound=Statement)
S_co = TypeVar("S_co", bound=Statement, covariant=True)

REFERENCE_FIELDS = (
    "sitting",
    "dossier",
    "deposit",
    "person",
    "certificate",
    "mandate",
    "manifest",
    "invitation",
    "enrolment",
    "signer",
    "id",
)
"""Fields by which a statement can be found, where it has them; ``dossiers`` counts as ``dossier``."""


@dataclass(frozen=True)
class Accepted(Generic[S_co]):
    """A statement that was verified and recorded. ``order`` grows with each acceptance (the ticket
    on the server, the log index elsewhere); ``at`` is the time of the recording event.
    """

    statement: S_co
    digest: Digest
    order: int
    at: datetime


@dataclass(frozen=True)
class Lookup:
    """What will be asked of an index soon: the statements of ``kind`` (None: of any) whose ``field``
    has one of the ``values``. ``field`` None: all of the kind; "digest": those that are identified so.
    """

    kind: type[Statement] | None
    field: str | None
    values: frozenset[str] = frozenset()


class StatementIndex(Protocol):
    """Look-ups over accepted statements."""

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""

    def find(self, kind: type[S], **references: str) -> Sequence[Accepted[S]]:
        """All of a type whose references (``REFERENCE_FIELDS``) match, oldest first."""

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """The items of an agenda that were shown here, decoys included."""


def references(statement: Statement) -> Iterator[tuple[str, str]]:
    """The (field, value) pairs under which ``statement`` can be found."""
    for field in _referring_fields(type(statement)):
        value = getattr(statement, field)
        if isinstance(value, str):
            yield field, value
    if "dossiers" in type(statement).model_fields:
        for dossier in getattr(statement, "dossiers", ()):
            yield "dossier", dossier


@lru_cache(maxsize=64)
def _referring_fields(kind: type[Statement]) -> tuple[str, ...]:
    """Those that the type has: asked of every statement that is looked at."""
    return tuple(field for field in REFERENCE_FIELDS if field in kind.model_fields)


class MemoryLedger:
    """Accepted statements in memory: the broker's and the replay's index."""

    def __init__(self) -> None:
        self._by_digest: dict[Digest, Accepted[Statement]] = {}
        self._by_reference: dict[tuple[str, str], set[Digest]] = defaultdict(set)
        self._by_type: dict[str, set[Digest]] = defaultdict(set)
        self._opened: dict[Digest, dict[bytes, OpenedItem]] = defaultdict(dict)
        self._shown: dict[Digest, tuple[OpenedItem, ...]] = {}
        self._found: dict[str, dict[tuple[tuple[str, str], ...], tuple[Any, ...]]] = defaultdict(
            dict
        )
        """By type, what was found before: a replay asks the same of each release. Forgotten when a
        statement of the type comes."""

    def add(self, accepted: Accepted[Statement]) -> None:
        """Keep one; the same digest again changes nothing."""
        if accepted.digest in self._by_digest:
            return
        self._by_digest[accepted.digest] = accepted
        self._by_type[accepted.statement.TYPE].add(accepted.digest)
        self._found.pop(accepted.statement.TYPE, None)
        for pair in references(accepted.statement):
            self._by_reference[pair].add(accepted.digest)

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        """Keep what was shown of an agenda; the same item again changes nothing."""
        self._opened[agenda].update({each.commitment: each for each in items})
        self._shown.pop(agenda, None)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """The items of an agenda that were shown here, decoys included."""
        if agenda not in self._shown:
            self._shown[agenda] = tuple(self._opened.get(agenda, {}).values())
        return self._shown[agenda]

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""
        return self._by_digest.get(digest)

    def find(self, kind: type[S], **wanted: str) -> Sequence[Accepted[S]]:
        """All of a type whose references match, oldest first."""
        known, asked = self._found[kind.TYPE], tuple(wanted.items())
        found = known.get(asked)
        if found is None:
            found = self._ordered(kind.TYPE, asked)
            # What nothing refers to is not remembered: a stranger's references would fill the memory.
            if all(pair in self._by_reference for pair in asked):
                known[asked] = found
        return found

    def _ordered(self, kind: str, asked: Collection[tuple[str, str]]) -> tuple[Accepted[Any], ...]:
        sets = [self._by_reference.get(pair, set()) for pair in asked]
        digests = self._by_type.get(kind, set()).intersection(*sets)
        found = (self._by_digest[each] for each in digests)
        return tuple(sorted(found, key=lambda one: one.order))
