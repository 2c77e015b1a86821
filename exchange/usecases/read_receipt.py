"""A receipt under the newest checkpoint: for auditors, and for whoever acted."""

from __future__ import annotations

from audit.events import EventDetails
from crypto.statements.registry import Role
from exchange.usecases.errors import NotFoundError, explained
from exchange.usecases.record import present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller


def read_receipt(service: Service, caller: Caller, index: int) -> bytes:
    """The ``tlog-proof`` of entry ``index``; raises NotFoundError for what is not the caller's."""
    with service.readings() as work:
        require_caller(service, work, caller, present(service))
    disclosure = service.log_store.disclosure(index)
    missing = NotFoundError("Cet événement n'existe pas, ou ne vous concerne pas.")
    if disclosure is None:
        raise missing
    with explained():
        details = EventDetails.parse(disclosure.details)
        mine = caller.signer is not None and caller.signer in {
            *details.cites.values(),
            *details.facts.values(),
        }
        if not mine and Role.AUDITOR not in caller.roles:
            raise missing
        return service.log.receipt_at(index)
