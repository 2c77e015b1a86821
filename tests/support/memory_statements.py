"""Statements and events of a database in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from audit.events import EventDetails
from audit.ports import NewEntry
from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import OpenedItem
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ledger import Accepted, Lookup, MemoryLedger
from exchange.usecases.ports import NewStatement, SignedStatement
from exchange.usecases.record import NOT_FOR_THE_BROKER
from tests.support.memory_rows import Holding, MemoryRows


class MemoryEvents:
    def __init__(self, database: Holding, rows: MemoryRows) -> None:
        self._database = database
        self._rows = rows

    def append(self, entry: NewEntry) -> int:
        ticket = self._database.next_ticket()
        self._rows.events[ticket] = entry
        return ticket

    def append_all(self, entries: Sequence[NewEntry]) -> list[int]:
        return [self.append(each) for each in entries]

    def is_disclosed(self, ticket: int) -> bool:
        if ticket in self._rows.events:
            return True
        log = self._database.log_store
        index = log.index_of(ticket)
        return index is None or (
            index not in self._rows.erased and log.disclosure(index) is not None
        )

    def erase_disclosures(self, first: int, last: int) -> int:
        log = self._database.log_store
        found = [each.index for each in log.disclosures(first, last - first + 1)]
        self._rows.erased |= set(found)
        return len(found)


class MemoryStatements:
    def __init__(self, database: Holding, rows: MemoryRows) -> None:
        self._database = database
        self._rows = rows

    def add(
        self, statement: Statement, digest: Digest, envelope: bytes, ticket: int, at: datetime
    ) -> None:
        if digest in self._rows.accepted:
            raise ConcurrentChangeError("Cette déclaration est déjà enregistrée.")
        entry = self._rows.events[ticket]  # a statement is kept only with its event
        assert EventDetails.parse(entry.details).at == at
        self._rows.accepted[digest] = Accepted(statement, digest, ticket, at)
        self._rows.envelopes[digest] = envelope
        if isinstance(statement, NOT_FOR_THE_BROKER):
            self._rows.acknowledged.add(digest)

    def add_all(self, new: Sequence[NewStatement]) -> None:
        for each in new:
            self.add(each.statement, each.digest, each.envelope, each.ticket, each.at)

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        self._rows.opened[agenda] = tuple(items)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        return self._rows.opened.get(agenda, ())

    def erase_openings(self, agenda: Digest, commitments: Collection[bytes]) -> None:
        kept = [each for each in self.opened(agenda) if each.commitment not in commitments]
        self._rows.opened[agenda] = tuple(kept)

    def envelope(self, digest: Digest) -> bytes | None:
        return self._rows.envelopes.get(digest)

    def foresee(self, lookups: Sequence[Lookup]) -> None:
        """In memory nothing is far."""

    def envelopes(self, digests: Collection[Digest]) -> dict[Digest, bytes]:
        return {
            each: self._rows.envelopes[each] for each in digests if each in self._rows.envelopes
        }

    def signed(self, *kinds: type[Statement]) -> list[SignedStatement]:
        found = sorted(
            (each for kind in kinds for each in self.find(kind)), key=lambda one: one.order
        )
        return [
            SignedStatement(
                type(each.statement), self._rows.envelopes[each.digest], each.digest, each.order
            )
            for each in found
        ]

    def recorded_between(self, first: int, last: int) -> Sequence[tuple[int, Accepted[Statement]]]:
        log = self._database.log_store
        placed = [(log.index_of(each.order), each) for each in self._rows.accepted.values()]
        found = [(at, each) for at, each in placed if at is not None and first <= at <= last]
        return sorted(found, key=lambda pair: (pair[0], pair[1].digest))

    def undisclosed(self) -> Sequence[Accepted[Statement]]:
        events = MemoryEvents(self._database, self._rows)
        found = self._rows.accepted.values()
        return [each for each in found if not events.is_disclosed(each.order)]

    def erase(self, digest: Digest) -> None:
        self._rows.accepted.pop(digest, None)
        self._rows.envelopes.pop(digest, None)

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        return self._rows.accepted.get(digest)

    def find(self, kind: Any, **wanted: str) -> Sequence[Accepted[Any]]:
        index = MemoryLedger()
        for accepted in self._rows.accepted.values():
            if isinstance(accepted.statement, kind):
                index.add(accepted)
        return index.find(kind, **wanted)

    def unacknowledged(self) -> Sequence[Accepted[Statement]]:
        waiting = [
            each
            for each in self._rows.accepted.values()
            if each.digest not in self._rows.acknowledged
        ]
        return sorted(waiting, key=lambda each: each.order)

    def acknowledged(self, digest: Digest) -> None:
        assert digest in self._rows.accepted
        self._rows.acknowledged.add(digest)

    def forget_acknowledgements(self) -> None:
        for each in self._rows.accepted.values():
            if not isinstance(each.statement, NOT_FOR_THE_BROKER):
                self._rows.acknowledged.discard(each.digest)
