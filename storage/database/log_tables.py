"""The audit log's tables.

``log_entries`` is only ever added to; an entry's index is written once. What can be erased after
the retention period (details and openings, DESIGN section 6) lies apart in ``log_disclosures``, so
that erasing is a deletion of rows and touches nothing that the tree is made of.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
)

from storage.database.metadata import Ticket, metadata

log_entries = Table(
    "log_entries",
    metadata,
    Column("ticket", Ticket, Identity(), primary_key=True),
    Column("log_index", BigInteger, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    CheckConstraint("log_index >= 0", name="log_index_counts_from_zero"),
    # A ticket must never be given twice, even after its row was lost to a restored backup's past.
    sqlite_autoincrement=True,
)

Index(
    "ix_log_entries_pending",
    log_entries.c.ticket,
    sqlite_where=log_entries.c.log_index.is_(None),
    postgresql_where=log_entries.c.log_index.is_(None),
)

log_disclosures = Table(
    "log_disclosures",
    metadata,
    Column(
        "ticket", Ticket, ForeignKey("log_entries.ticket"), primary_key=True, autoincrement=False
    ),
    Column("details", LargeBinary, nullable=False),
    Column("opening", LargeBinary, nullable=False),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

log_heads = Table(
    "log_heads",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
)

log_published = Table(
    "log_published",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
