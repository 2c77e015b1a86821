"""Accepted statements, and the references by which they are found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    false,
    insert,
    select,
    update,
)

from audit.events import EventDetails
from crypto.digests import Digest
from crypto.statements import Statement, parse_any
from crypto.statements.agenda import OpenedItem
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ledger import REFERENCE_FIELDS, Accepted, references
from exchange.usecases.record import NOT_FOR_THE_BROKER
from storage.database import agenda_openings
from storage.database.log_tables import log_disclosures, log_entries
from storage.database.metadata import Digest64, Ticket, UtcInstant, metadata
from storage.database.transaction import Transaction
from storage.errors import CorruptStorageError, StorageError

S = TypeVar("S", bound=Statement)

statements = Table(
    "statements",
    metadata,
    Column("digest", Digest64, primary_key=True),
    Column("type", String(40), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("ticket", Ticket, ForeignKey("log_entries.ticket"), nullable=False, index=True),
    # Copied from the event: its details are erased one day, the statement may stay.
    Column("accepted_at", UtcInstant, nullable=False),
    Column("acknowledged", Boolean(create_constraint=False), nullable=False),
    Index("ix_statements_type", "type", "ticket"),
)

Index(
    "ix_statements_unacknowledged",
    statements.c.ticket,
    sqlite_where=statements.c.acknowledged.is_(false()),
    postgresql_where=statements.c.acknowledged.is_(false()),
)

statement_references = Table(
    "statement_references",
    metadata,
    Column("field", String(20), primary_key=True),
    Column("value", String(80), primary_key=True),
    Column("digest", Digest64, ForeignKey("statements.digest"), primary_key=True),
    Index("ix_statement_references_digest", "digest"),
)


class SqlStatements:
    """Implements ``usecases.ports.Statements``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, statement: Statement, digest: Digest, envelope: bytes, ticket: int) -> None:
        """Keep it; the same digest again raises ConcurrentChangeError."""
        # Looked up first, because a failed INSERT would end the transaction on PostgreSQL. The
        # primary key still decides, should the writers' lock ever be missing.
        if self.envelope(digest) is not None:
            raise ConcurrentChangeError("Cette déclaration est déjà enregistrée.")
        self._transaction.change(
            insert(statements).values(
                digest=digest,
                type=statement.TYPE,
                envelope=envelope,
                ticket=ticket,
                accepted_at=self._time_of(ticket),
                acknowledged=False,
            )
        )
        pairs = sorted(set(references(statement)))
        self._transaction.change(
            insert(statement_references),
            [{"field": field, "value": value, "digest": digest} for field, value in pairs],
        )

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        """Keep the openings of an agenda just added."""
        agenda_openings.keep(self._transaction, agenda, items)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        """The items of an agenda, decoys included; none once they were erased."""
        return agenda_openings.kept(self._transaction, agenda)

    def erase_openings(self, agenda: Digest, commitments: Collection[bytes]) -> None:
        """Forget what these items of an agenda listed. Idempotent."""
        agenda_openings.erase(self._transaction, agenda, commitments)

    def envelope(self, digest: Digest) -> bytes | None:
        """The bytes as signed."""
        found = self._transaction.scalar(
            select(statements.c.envelope).where(statements.c.digest == digest)
        )
        return None if found is None else bytes(found)

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
        found = statement_references.c.digest == digest
        self._transaction.change(delete(statement_references).where(found))
        self._transaction.change(delete(statements).where(statements.c.digest == digest))

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        """By identity."""
        row = self._transaction.row(select(statements).where(statements.c.digest == digest))
        return None if row is None else _accepted(row)

    def find(self, kind: type[S], **wanted: str) -> Sequence[Accepted[S]]:
        """All of a type whose references match, oldest first. A field by which nothing can be
        found is a fault of the caller: answering "none" would hide a revocation.
        """
        query = select(statements).where(statements.c.type == kind.TYPE)
        for field, value in wanted.items():
            query = query.where(statements.c.digest.in_(_referring(field, value)))
        rows = self._transaction.rows(query.order_by(statements.c.ticket, statements.c.digest))
        return [cast("Accepted[S]", _accepted(row)) for row in rows]

    def unacknowledged(self) -> Sequence[Accepted[Statement]]:
        """Those that the broker has not acknowledged yet, in the order of the log; those without
        an index come last, in the order of their tickets.
        """
        query = (
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
        return [_accepted(row) for row in self._transaction.rows(query)]

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

    def _time_of(self, ticket: int) -> Any:
        details = self._transaction.scalar(
            select(log_disclosures.c.details).where(log_disclosures.c.ticket == ticket)
        )
        if details is None:
            raise StorageError("Une déclaration ne s'enregistre qu'avec son événement.")
        return EventDetails.parse(bytes(details)).at


def _referring(field: str, value: str) -> Select[tuple[str]]:
    if field not in REFERENCE_FIELDS:
        raise TypeError(f"statements cannot be found by {field!r}")
    return select(statement_references.c.digest).where(
        statement_references.c.field == field, statement_references.c.value == value
    )


def _accepted(row: Row[Any]) -> Accepted[Statement]:
    unverified = parse_any(bytes(row.envelope))
    if unverified.digest != row.digest:
        raise CorruptStorageError(
            "La déclaration {digest} n'est plus celle qui a été enregistrée : la base est altérée.",
            digest=row.digest,
        )
    return Accepted(unverified.statement, Digest(row.digest), row.ticket, row.accepted_at)
