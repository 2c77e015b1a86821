"""Accepted statements, and the references by which they are found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, bindparam, delete, false, insert, select, update

from crypto.digests import Digest
from crypto.statements import Statement, Unverified, parse_any
from crypto.statements.agenda import OpenedItem
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ledger import REFERENCE_FIELDS, Accepted, Lookup, references
from exchange.usecases.ports import NewStatement, SignedStatement
from exchange.usecases.record import NOT_FOR_THE_BROKER
from storage.database import agenda_openings
from storage.database.log_tables import log_disclosures, log_entries
from storage.database.statement_lookups import known_subset, looked_up, matching, of_identity, split
from storage.database.statement_tables import statement_references, statements
from storage.database.transaction import Transaction
from storage.errors import CorruptStorageError, StorageError

S = TypeVar("S", bound=Statement)

PARSED_AT_ONCE: Final = 256
"""Envelopes of which a process keeps what they hold: those of a sitting's members and of its latest
dossiers, which every request asks for again."""

PARSED_BYTES: Final = 32_768
"""The longest of those: together at most 8 MiB, and as much again for what they hold."""

# Made once: building a statement anew takes longer than executing it.
_NEW = insert(statements)
_NEW_REFERENCES = insert(statement_references)
_UNACKNOWLEDGED = (
    select(statements)
    .join(log_entries, log_entries.c.ticket == statements.c.ticket)
    .where(statements.c.acknowledged.is_(false()))
    .order_by(
        log_entries.c.log_index.is_(None),
        log_entries.c.log_index,
        statements.c.ticket,
        statements.c.digest,
    )
)
_BY_DIGEST = select(statements).where(statements.c.digest == bindparam("wanted"))
_ENVELOPES_OF = (
    select(statements.c.type, statements.c.envelope, statements.c.digest, statements.c.ticket)
    .where(statements.c.type.in_(bindparam("types", expanding=True)))
    .order_by(statements.c.ticket, statements.c.digest)
)


class SqlStatements:
    """Implements ``usecases.ports.Statements``.

    What was looked up once is not asked for again: nobody else writes while a unit of work that may
    write is open, and one that only reads sees one moment. So a decision that asks the same of many
    deposits is answered as it would be without.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._got: dict[Digest, Accepted[Statement] | None] = {}
        self._found: dict[str, dict[tuple[tuple[str, str], ...], Sequence[Accepted[Any]]]] = {}
        """By type, so that a new statement makes only its own type be asked for again."""
        self._envelopes: dict[Digest, bytes] = {}
        """As signed, of all that was read here."""
        self._opened: dict[Digest, Sequence[OpenedItem]] = {}

    def add(
        self, statement: Statement, digest: Digest, envelope: bytes, ticket: int, at: datetime
    ) -> None:
        """Keep it; the same digest again raises ConcurrentChangeError."""
        self.add_all([NewStatement(statement, digest, envelope, ticket, at)])

    def add_all(self, new: Sequence[NewStatement]) -> None:
        """Keep several; one that is kept already raises ConcurrentChangeError."""
        if not new:
            return
        # Looked up first, because a failed INSERT would end the transaction on PostgreSQL. The
        # primary key still decides, should the writers' lock ever be missing.
        if any(self.get(each.digest) is not None for each in new):
            raise ConcurrentChangeError("Cette déclaration est déjà enregistrée.")
        self._transaction.change(_NEW, [_row(each) for each in new])
        for each in new:
            self._forget(each.statement.TYPE, each.digest)
        self._transaction.change(
            _NEW_REFERENCES,
            [
                {"field": field, "value": value, "digest": each.digest}
                for each in new
                for field, value in sorted(set(references(each.statement)))
            ],
        )

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        """Keep the openings of an agenda just added."""
        self._opened.pop(agenda, None)
        agenda_openings.keep(self._transaction, agenda, items)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """The items of an agenda, decoys included; none once they were erased."""
        if agenda not in self._opened:
            self._opened[agenda] = agenda_openings.kept(self._transaction, agenda)
        return self._opened[agenda]

    def erase_openings(self, agenda: Digest, commitments: Collection[bytes]) -> None:
        """Forget what these items of an agenda listed. Idempotent."""
        self._opened.pop(agenda, None)
        agenda_openings.erase(self._transaction, agenda, commitments)

    def envelope(self, digest: Digest) -> bytes | None:
        """The bytes as signed."""
        return self.envelopes([digest]).get(digest)

    def envelopes(self, digests: Collection[Digest]) -> Mapping[Digest, bytes]:
        """The bytes as signed, of those that are recorded."""
        missing = set(digests) - self._envelopes.keys()
        self.foresee([of_identity(missing)])
        return {each: self._envelopes[each] for each in digests if each in self._envelopes}

    def signed(self, *kinds: type[Statement]) -> Sequence[SignedStatement]:
        """All of these types as they were signed, oldest first."""
        if all(() in self._found.get(kind.TYPE, {}) for kind in kinds):
            return self._signed_known(kinds)
        types = {kind.TYPE: kind for kind in kinds}
        rows = self._transaction.rows(_ENVELOPES_OF, {"types": sorted(types)})
        return [
            SignedStatement(types[row.type], bytes(row.envelope), Digest(row.digest), row.ticket)
            for row in rows
        ]

    def _signed_known(self, kinds: Collection[type[Statement]]) -> Sequence[SignedStatement]:
        found = [(kind, each) for kind in kinds for each in self._found[kind.TYPE][()]]
        found.sort(key=lambda pair: (pair[1].order, pair[1].digest))
        return [
            SignedStatement(kind, self._envelopes[each.digest], each.digest, each.order)
            for kind, each in found
        ]

    def recorded_between(self, first: int, last: int) -> Sequence[tuple[int, Accepted[Statement]]]:
        """(index, statement) of the entries ``first`` to ``last``, both included."""
        query = (
            select(log_entries.c.log_index, statements)
            .join(statements, log_entries.c.ticket == statements.c.ticket)
            .where(log_entries.c.log_index.between(first, last))
            .order_by(log_entries.c.log_index, statements.c.digest)
        )
        return [(row.log_index, _accepted(row)) for row in self._transaction.rows(query)]

    def undisclosed(self) -> Sequence[Accepted[Statement]]:
        """Those whose event has no details any more."""
        query = (
            select(statements)
            .outerjoin(log_disclosures, log_disclosures.c.ticket == statements.c.ticket)
            .where(log_disclosures.c.ticket.is_(None))
            .order_by(statements.c.ticket, statements.c.digest)
        )
        return [_accepted(row) for row in self._transaction.rows(query)]

    def erase(self, digest: Digest) -> None:
        """Forget a statement and how it is found. Idempotent."""
        for known in (self._found, self._got, self._envelopes):
            known.clear()
        found = statement_references.c.digest == digest
        self._transaction.change(delete(statement_references).where(found))
        self._transaction.change(delete(statements).where(statements.c.digest == digest))

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""
        if digest not in self._got:
            row = self._transaction.row(_BY_DIGEST, {"wanted": digest})
            self._got[digest] = None if row is None else self._read(row)
        return self._got[digest]

    def find(self, kind: type[S], **wanted: str) -> Sequence[Accepted[S]]:
        """All of a type whose references match, oldest first. A field by which nothing can be
        found is a fault of the caller: answering "none" would hide a revocation.
        """
        asked = tuple(sorted(wanted.items()))
        query = _finding(tuple(field for field, _ in asked))
        known = self._found.setdefault(kind.TYPE, {})
        if asked not in known:
            found = known_subset(known, asked)
            if found is None:
                rows = self._transaction.rows(query, {"of_type": kind.TYPE, **wanted})
                found = [self._read(row) for row in rows]
            known[asked] = found
        return known[asked]

    def foresee(self, lookups: Sequence[Lookup]) -> None:
        """Look all of that up in one query, and remember it for this transaction."""
        wanted = list(split(lookups))
        rows = {row.digest: row for row in looked_up(self._transaction, wanted)}
        ordered = sorted(rows.values(), key=lambda row: (row.ticket, row.digest))
        found = [self._read(row) for row in ordered]
        for each in wanted:
            for value, matches in matching(each, found):
                if each.kind is not None:
                    asked = () if each.field is None else ((each.field, str(value)),)
                    self._found.setdefault(each.kind.TYPE, {})[asked] = matches
                elif not matches:
                    self._got[Digest(str(value))] = None

    def _read(self, row: Row[Any]) -> Accepted[Any]:
        """What a row holds, remembered under its identity."""
        accepted = _accepted(row)
        self._got[accepted.digest] = accepted
        self._envelopes[accepted.digest] = bytes(row.envelope)
        return accepted

    def _forget(self, kind: str, digest: Digest) -> None:
        """Ask again for what a new statement may have changed."""
        self._found.pop(kind, None)
        self._got.pop(digest, None)

    def unacknowledged(self) -> Sequence[Accepted[Statement]]:
        """Those that the broker has not acknowledged yet, in the order of the log; those without
        an index come last, in the order of their tickets.
        """
        return [self._read(row) for row in self._transaction.rows(_UNACKNOWLEDGED)]

    def acknowledged(self, digest: Digest) -> None:
        """The broker has it. Idempotent; an unknown digest is refused."""
        met = self._transaction.change(
            update(statements).where(statements.c.digest == digest).values(acknowledged=True)
        )
        if met != 1:
            raise StorageError("Cette déclaration n'est pas enregistrée ici.")

    def forget_acknowledgements(self) -> None:
        """Another broker takes over: it has none of them yet. What no broker is shown stays so."""
        kept = [kind.TYPE for kind in NOT_FOR_THE_BROKER]
        self._transaction.change(
            update(statements).where(statements.c.type.not_in(kept)).values(acknowledged=False)
        )


def _row(new: NewStatement) -> dict[str, Any]:
    return {
        "digest": new.digest,
        "type": new.statement.TYPE,
        "envelope": new.envelope,
        "ticket": new.ticket,
        "accepted_at": new.at,
        "acknowledged": isinstance(new.statement, NOT_FOR_THE_BROKER),
    }


@lru_cache(maxsize=64)
def _finding(fields: tuple[str, ...]) -> Select[Any]:
    """The query for a type and the values of these fields. Made once: building it anew takes longer
    than executing it.
    """
    query = select(statements).where(statements.c.type == bindparam("of_type"))
    for field in fields:
        if field not in REFERENCE_FIELDS:
            raise TypeError(f"statements cannot be found by {field!r}")
        referring = select(statement_references.c.digest).where(
            statement_references.c.field == field,
            statement_references.c.value == bindparam(field),
        )
        query = query.where(statements.c.digest.in_(referring))
    return query.order_by(statements.c.ticket, statements.c.digest)


def _accepted(row: Row[Any]) -> Accepted[Statement]:
    envelope = bytes(row.envelope)
    unverified = _parsed(envelope) if len(envelope) <= PARSED_BYTES else parse_any(envelope)
    if unverified.digest != row.digest:
        raise CorruptStorageError(
            "La déclaration {digest} n'est plus celle qui a été enregistrée : la base est altérée.",
            digest=row.digest,
        )
    return Accepted(unverified.statement, Digest(row.digest), row.ticket, row.accepted_at)


@lru_cache(maxsize=PARSED_AT_ONCE)
def _parsed(envelope: bytes) -> Unverified[Statement]:
    """What these very bytes hold; a statement cannot be changed, and an altered row is other bytes."""
    return parse_any(envelope)
