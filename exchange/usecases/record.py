"""Events and the statements that they record: always in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.entries import new_entry
from audit.events import EventDetails, EventType
from crypto.digests import Digest
from crypto.statements import Statement, Verified
from crypto.statements.exchange import AccessRequest, Login
from exchange.usecases.errors import NotFoundError, explained
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested, UnitOfWork
from exchange.usecases.recording import recording_of
from exchange.usecases.service import Service

NOT_FOR_THE_BROKER: Final = (AccessRequest, Login)
"""The broker decides on neither: a login opens nothing, a request is shown to it when it matters."""


@dataclass(frozen=True)
class Filed:
    """A recorded statement, as it was signed, with the ticket of its event."""

    envelope: bytes
    digest: Digest
    ticket: int


def present(service: Service) -> datetime:
    """The clock, in whole seconds as statements and events write it."""
    return service.clock().replace(microsecond=0)


@dataclass(frozen=True)
class Happening:
    """What one event says, but for when."""

    kind: EventType
    cites: Mapping[str, Digest]
    facts: Mapping[str, str]


def record_events(
    service: Service, work: UnitOfWork, happened: Sequence[Happening], *, at: datetime
) -> Sequence[int]:
    """Append events to the transaction; their tickets, ascending in this order."""
    details = [
        EventDetails(type=each.kind, at=at, cites=dict(each.cites), facts=dict(each.facts))
        for each in happened
    ]
    entries = [new_entry(each, service.origin, service.entropy) for each in details]
    return work.events.append_all(entries)


def record_event(
    service: Service,
    work: UnitOfWork,
    kind: EventType,
    *,
    at: datetime,
    cites: Mapping[str, Digest] | None = None,
    facts: Mapping[str, str] | None = None,
) -> int:
    """Append one event to the transaction; its ticket."""
    happened = Happening(kind, cites or {}, facts or {})
    (ticket,) = record_events(service, work, [happened], at=at)
    return ticket


def record_statement(
    service: Service,
    work: UnitOfWork,
    verified: Verified[Statement],
    kind: EventType,
    *,
    at: datetime,
    cites: Mapping[str, Digest] | None = None,
    facts: Mapping[str, str] | None = None,
) -> int:
    """Append the event that records a statement, and keep the statement with it; the ticket."""
    recording = recording_of(type(verified.statement))
    assert recording is not None
    assert kind in recording.events
    cited = {recording.role: verified.digest, **(cites or {})}
    ticket = record_event(service, work, kind, at=at, cites=cited, facts=facts)
    work.statements.add(verified.statement, verified.digest, verified.envelope, ticket, at)
    return ticket


def filed(work: UnitOfWork, accepted: Accepted[Statement]) -> Filed:
    """What is needed to attest a statement once the transaction is over."""
    (found,) = filed_all(work, [accepted])
    return found


def filed_all(work: UnitOfWork, accepted: Iterable[Accepted[Statement]]) -> list[Filed]:
    """The same for several, in their order."""
    wanted = list(accepted)
    envelopes = work.statements.envelopes([each.digest for each in wanted])
    if len(envelopes) < len({each.digest for each in wanted}):
        raise NotFoundError("Cette déclaration n'est pas enregistrée ici.")
    return [Filed(envelopes[each.digest], each.digest, each.order) for each in wanted]


def attest(service: Service, statement: Filed) -> Attested:
    """The statement with its receipt under the latest published checkpoint."""
    with explained():
        return Attested(statement.envelope, service.log.receipt(statement.ticket))


def attest_all(service: Service, statements: Iterable[Filed]) -> tuple[Attested, ...]:
    """Those of the statements whose events still have their details (retention erases them)."""
    wanted = tuple(statements)
    proofs = receipts(service, [each.ticket for each in wanted])
    return tuple(
        Attested(each.envelope, proofs[each.ticket]) for each in wanted if each.ticket in proofs
    )


def receipts(service: Service, tickets: Collection[int]) -> Mapping[int, bytes]:
    """The receipts of integrated events, under one checkpoint, by ticket; without the erased."""
    with explained():
        return service.log.receipts(tickets)


def receipt(service: Service, ticket: int) -> bytes:
    """The receipt of an integrated event."""
    with explained():
        return service.log.receipt(ticket)


def publish(service: Service) -> None:
    """Make every committed event part of a published checkpoint; raises UnavailableError."""
    with explained():
        service.log.integrate()
