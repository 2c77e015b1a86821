"""What agendas list: the openings of their commitments, kept beside the statements and erased alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Final

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, bindparam, delete, insert, select

from crypto.digests import Digest
from crypto.statements.agenda import AgendaItem, AgendaOpening, OpenedItem, read_item
from storage.database.metadata import Digest64, metadata
from storage.database.transaction import Transaction

ITEMS_KEPT: Final = 1_024
"""Lines of agendas whose content a process keeps read: a large sitting's, decoys included, several times."""

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


_KEPT = (
    select(agenda_openings)
    .where(agenda_openings.c.agenda == bindparam("of"))
    .order_by(agenda_openings.c.commitment)
)


@lru_cache(maxsize=ITEMS_KEPT)
def _read(content: bytes) -> AgendaItem | None:
    """What these bytes say: every release asks it of each line of the agenda."""
    return read_item(content)


def kept(transaction: Transaction, agenda: Digest) -> Sequence[OpenedItem]:
    """In the order of the commitments; what was verified when it was accepted."""
    return [
        OpenedItem(
            bytes(row.commitment),
            AgendaOpening(bytes(row.opening), bytes(row.content)),
            _read(bytes(row.content)),
        )
        for row in transaction.rows(_KEPT, {"of": agenda})
    ]


def erase(transaction: Transaction, agenda: Digest, commitments: Collection[bytes]) -> None:
    """Those of these commitments. Idempotent."""
    one = delete(agenda_openings).where(agenda_openings.c.agenda == agenda)
    transaction.change(one.where(agenda_openings.c.commitment.in_(commitments)))
