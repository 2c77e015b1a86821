"""What the verbs that read the registry share: log the reading first, then answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.events import EventType
from exchange.usecases.ports import Attested, UnitOfWork
from exchange.usecases.record import Filed, attest_all, present, publish, receipt, record_event
from exchange.usecases.service import Caller, Service


@dataclass(frozen=True)
class Reading:
    """Statements with their receipts, and the receipt of this reading."""

    statements: tuple[Attested, ...]
    receipt: bytes


def record_reading(service: Service, work: UnitOfWork, caller: Caller, what: str) -> int:
    """Append ``roster.read`` to the transaction; its ticket."""
    facts = {"what": what}
    if caller.key is not None:
        facts["key"] = caller.key
    cites = {"certificate": caller.certificate} if caller.certificate else {}
    return record_event(
        service, work, EventType.ROSTER_READ, at=present(service), cites=cites, facts=facts
    )


def answer(service: Service, statements: Sequence[Filed], ticket: int) -> Reading:
    """Publish the reading's event, then attest: nothing leaves before its event is in the log."""
    publish(service)
    return Reading(attest_all(service, statements), receipt(service, ticket))
