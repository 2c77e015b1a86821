"""Every trust policy, for anyone: what a client checks before it believes anything else.

And the emergencies, without which the checkpoints of those days would be refused. What was
accepted and is not published yet, because witnesses are missing, binds nobody yet and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.errors import DisclosureErasedError, LogUnavailableError
from crypto.statements.custody import Emergency, Recovery
from crypto.statements.registry import TrustPolicy
from exchange.usecases.ports import Attested
from exchange.usecases.record import Filed, filed_all
from exchange.usecases.service import Service


def trust_policies(service: Service) -> tuple[Attested, ...]:
    """All published versions, oldest first, with their receipts."""
    with service.readings() as work:
        accepted = sorted(
            work.statements.find(TrustPolicy), key=lambda each: each.statement.version
        )
        waiting = filed_all(work, accepted)
    return _published(service, waiting)


def emergencies(service: Service) -> tuple[Attested, ...]:
    """All published ones, oldest first, with their receipts.

    Also those that have ended: the head of their last minute is the published one until there is a
    quorum again, and without them nobody could read why.
    """
    with service.readings() as work:
        waiting = filed_all(work, work.statements.find(Emergency))
    return _published(service, waiting)


def recoveries(service: Service) -> tuple[Attested, ...]:
    """All published ones, oldest first, with their receipts: why this log may be shorter than one seen."""
    with service.readings() as work:
        waiting = filed_all(work, work.statements.find(Recovery))
    return _published(service, waiting)


def _published(service: Service, statements: Iterable[Filed]) -> tuple[Attested, ...]:
    found = []
    for each in statements:
        try:
            found.append(Attested(each.envelope, service.log.receipt(each.ticket)))
        except (LogUnavailableError, DisclosureErasedError):
            continue
    return tuple(found)
