"""Events on their way into the log, in the transaction of the change that they record."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from audit.ports import NewEntry
from storage.database.log_tables import log_disclosures, log_entries
from storage.database.transaction import Transaction

# Made once: building a statement anew takes longer than executing it.
_NEW_ENTRY = insert(log_entries).returning(log_entries.c.ticket, sort_by_parameter_order=True)
_NEW_DISCLOSURE = insert(log_disclosures)


class SqlEvents:
    """Implements ``usecases.ports.Events``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def append(self, entry: NewEntry) -> int:
        """Keep an event; returns its ticket. It has no index until it is integrated."""
        (ticket,) = self.append_all([entry])
        return ticket

    def append_all(self, entries: Sequence[NewEntry]) -> Sequence[int]:
        """Keep several; their tickets, ascending in this order."""
        if not entries:
            return []
        tickets = self._transaction.tickets(_NEW_ENTRY, [{"leaf": each.leaf} for each in entries])
        self._transaction.change(
            _NEW_DISCLOSURE,
            [
                {"ticket": ticket, "details": each.details, "opening": each.opening}
                for ticket, each in zip(tickets, entries, strict=True)
            ],
        )
        return tickets

    def is_disclosed(self, ticket: int) -> bool:
        """Whether the details of an event still exist."""
        query = select(log_disclosures.c.ticket).where(log_disclosures.c.ticket == ticket)
        return self._transaction.scalar(query) is not None

    def erase_disclosures(self, first: int, last: int) -> int:
        """Erase details and openings of the entries ``first`` to ``last`` (indices, both
        included), in the transaction that records the retention; returns how many there were.
        """
        concerned = select(log_entries.c.ticket).where(log_entries.c.log_index.between(first, last))
        return self._transaction.change(
            delete(log_disclosures).where(log_disclosures.c.ticket.in_(concerned))
        )
