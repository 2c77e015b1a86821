"""Everything that an auditor verifies: checkpoint, disclosures, statements. Reading is an event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.ports import Disclosure
from crypto.statements import STATEMENT_TYPES
from crypto.statements.registry import Role
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.errors import UnavailableError
from exchange.usecases.record import Filed, filed, present, publish, record_event
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate

PAGE: Final = 256
"""Entries read from the store at a time: one full tile."""


@dataclass(frozen=True)
class Disclosures:
    """The log as it stood when this reading was recorded, its own event included."""

    service: Service
    checkpoint: bytes
    size: int
    statements: tuple[Filed, ...]
    agendas: tuple[AgendaShown, ...]
    """What each agenda below the checkpoint lists, unless it was erased."""

    def entries(self) -> Iterator[tuple[int, bytes, Disclosure | None]]:
        """(index, leaf, disclosure if it still exists) of each entry, streamed."""
        for first in range(0, self.size, PAGE):
            count = min(PAGE, self.size - first)
            leaves = self.service.log_store.leaves(first, count)
            found = {each.index: each for each in self.service.log_store.disclosures(first, count)}
            for offset, leaf in enumerate(leaves):
                yield first + offset, leaf, found.get(first + offset)


def read_disclosures(service: Service, caller: Caller) -> Disclosures:
    """Log ``disclosure.read``, publish it, and give everything below that checkpoint."""
    now = present(service)
    with service.transactions() as work:
        held = require_certificate(service, work, caller, Role.AUDITOR, now)
        note = service.log.checkpoint()
        size = Checkpoint.of_note(note).size if note else 0
        record_event(
            service,
            work,
            EventType.DISCLOSURE_READ,
            at=now,
            cites={"certificate": held.digest},
            facts={"size": str(size)},
        )
        work.commit()
    publish(service)
    published = service.log.checkpoint()
    if published is None:
        raise UnavailableError("Le journal n'est pas encore publié : recommencez plus tard.")
    with service.transactions() as work:
        statements = sorted(
            (
                filed(work, each)
                for kind in STATEMENT_TYPES.values()
                for each in work.statements.find(kind)
            ),
            key=lambda each: each.ticket,
        )
        size = Checkpoint.of_note(published).size
        below = [each for each in statements if _index(service, each.ticket) < size]
        agendas = tuple(
            AgendaShown.of(each.digest, (opened.shown for opened in shown))
            for each in below
            if (shown := work.statements.opened(each.digest))
        )
    return Disclosures(service, published, size, tuple(below), agendas)


def read_broker_record(service: Service, caller: Caller) -> tuple[bytes, bytes]:
    """The broker's own record: (entries as JSON lines, signed checkpoint)."""
    with service.transactions() as work:
        require_certificate(service, work, caller, Role.AUDITOR, present(service))
    return service.broker.record()


def _index(service: Service, ticket: int) -> int:
    index = service.log_store.index_of(ticket)
    if index is None:  # committed after the checkpoint was published: not part of this reading
        return _NEVER
    return index


_NEVER: Final = 2**63
