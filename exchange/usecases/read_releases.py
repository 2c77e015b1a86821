"""To whom a deposit was released: for the association that deposited it."""

from __future__ import annotations

from audit.errors import AuditError
from crypto.statements.registry import Role
from exchange.usecases.depositing import own_deposit
from exchange.usecases.reading import record_reading
from exchange.usecases.record import present, publish
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_certificate


def read_releases(service: Service, caller: Caller, deposit: str) -> tuple[bytes, ...]:
    """The receipts of ``release.authorised`` of a deposit of one's own association, oldest first.

    Those whose details were erased at the end of their retention are left out. Raises NotFoundError for
    a deposit of another association, known or not.
    """
    with service.transactions() as work:
        require_certificate(service, work, caller, Role.DEPOSITOR, present(service))
        own_deposit(work, caller, deposit)
        tickets = [each.ticket for each in work.releases.of_deposit(deposit)]
        record_reading(service, work, caller, "releases")
        work.commit()
    publish(service)
    found = []
    for ticket in tickets:
        index = service.log_store.index_of(ticket)
        if index is None or service.log_store.disclosure(index) is None:
            continue
        try:
            found.append(service.log.receipt_at(index))
        except AuditError:
            continue  # erased meanwhile, or not published yet: the next reading has it
    return tuple(found)
