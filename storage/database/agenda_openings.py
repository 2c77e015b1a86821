"""What agendas list: the openings of their commitments, kept beside the statements and erased alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, delete, insert, select

from crypto.digests import Digest
from crypto.statements.agenda import AgendaOpening, OpenedItem, read_item
from storage.database.metadata import Digest64, metadata
from storage.database.transaction import Transaction

agenda_openings = Table(
    "agenda_openings",
    metadata,
    Column("agenda", Digest64, ForeignKey("statements.digest"), primary_key=True),
    Column("commitment", LargeBinary(32), primary_key=True),
    Column("opening", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
)


def keep(transaction: Transaction, agenda: Digest, items: Iterable[OpenedItem]) -> None:
    """The openings of an agenda just added."""
    rows = [
        {
            "agenda": agenda,
            "commitment": each.commitment,
            "opening": each.shown.opening,
            "content": each.shown.content,
        }
        for each in items
    ]
    transaction.change(insert(agenda_openings), rows)


def kept(transaction: Transaction, agenda: Digest) -> Sequence[OpenedItem]:
    """In the order of the commitments; what was verified when it was accepted."""
    query = select(agenda_openings).where(agenda_openings.c.agenda == agenda)
    return [
        OpenedItem(
            bytes(row.commitment),
            AgendaOpening(bytes(row.opening), bytes(row.content)),
            read_item(bytes(row.content)),
        )
        for row in transaction.rows(query.order_by(agenda_openings.c.commitment))
    ]


def erase(transaction: Transaction, agenda: Digest, commitments: Collection[bytes]) -> None:
    """Those of these commitments. Idempotent."""
    one = delete(agenda_openings).where(agenda_openings.c.agenda == agenda)
    transaction.change(one.where(agenda_openings.c.commitment.in_(commitments)))
