"""Everything that an auditor verifies: checkpoint, disclosures, statements. Reading is an event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.ports import Disclosure
from crypto.statements import STATEMENT_TYPES
from crypto.statements.registry import Agenda, Role
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.errors import UnavailableError
from exchange.usecases.record import present, publish, record_event
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
    statements: tuple[tuple[int, bytes], ...]
    """(index of the recording event, envelope), in the order of the log."""
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
    size = Checkpoint.of_note(published).size
    with service.readings() as work:
        signed = work.statements.signed(*STATEMENT_TYPES.values())
        index = _indices(service, [each.ticket for each in signed])
        # What was committed later is not part of this reading.
        below = [each for each in signed if index.get(each.ticket, size) < size]
        agendas = tuple(
            AgendaShown.of(each.digest, (opened.shown for opened in shown))
            for each in below
            if each.kind is Agenda and (shown := work.statements.opened(each.digest))
        )
    statements = tuple((index[each.ticket], each.envelope) for each in below)
    return Disclosures(service, published, size, statements, agendas)


def read_broker_record(service: Service, caller: Caller) -> tuple[bytes, bytes]:
    """The broker's own record: (entries as JSON lines, signed checkpoint)."""
    with service.transactions() as work:
        require_certificate(service, work, caller, Role.AUDITOR, present(service))
    return service.broker.record()


def _indices(service: Service, tickets: Collection[int]) -> dict[int, int]:
    with service.log_store.reading() as reading:
        return {each.ticket: each.index for each in reading.places(tickets)}
