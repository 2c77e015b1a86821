"""The tables of accepted statements, and of the references by which they are found."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, false

from storage.database.metadata import Digest64, Ticket, UtcInstant, metadata

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
