"""Telling the broker what was accepted, in the order of the log."""

from __future__ import annotations

from collections.abc import Mapping

from audit.errors import LogUnavailableError
from crypto.digests import Digest
from crypto.statements.custody import Emergency
from crypto.statements.registry import TrustPolicy
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.ports import Attested
from exchange.usecases.record import Filed, filed_all
from exchange.usecases.service import Service


def push_to_broker(service: Service) -> Mapping[Digest, BrokerRefusalError]:
    """Show the broker every published statement that it has not acknowledged yet.

    Returns those that it refuses now; they stay unacknowledged and are shown again the next time.
    The list goes on after a refusal: what rests on the refused statement the broker refuses by
    itself, and one bad statement must not keep a withdrawal from it. Raises BrokerUnavailableError.
    """
    with service.readings() as work:
        unknown = work.statements.unacknowledged()
        news = any(isinstance(each.statement, TrustPolicy) for each in unknown)
        policies = filed_all(work, work.statements.find(TrustPolicy) if news else ())
        # An emergency first: while it lasts, the receipts of all the others count by it alone.
        unknown = sorted(unknown, key=lambda each: not isinstance(each.statement, Emergency))
        others = (each for each in unknown if not isinstance(each.statement, TrustPolicy))
        waiting = filed_all(work, others)
    refused: dict[Digest, BrokerRefusalError] = {}
    done: list[Digest] = []
    try:
        if policies:
            _show_policies(service, policies, done, refused)
        for each in waiting:
            try:
                receipt = service.log.receipt(each.ticket)
            except LogUnavailableError:
                break  # committed by another request, which publishes it and pushes it
            _show(service, each, receipt, done, refused)
    finally:
        _keep(service, done)
    return refused


def _show_policies(
    service: Service,
    policies: list[Filed],
    done: list[Digest],
    refused: dict[Digest, BrokerRefusalError],
) -> None:
    """All policies at once: a broker that takes another's place is named by the last alone."""
    try:
        attested = [Attested(each.envelope, service.log.receipt(each.ticket)) for each in policies]
    except LogUnavailableError:
        return  # committed by another request, which publishes and pushes them
    try:
        service.broker.acknowledge_policies(attested)
    except BrokerRefusalError as error:
        refused.update((each.digest, error) for each in policies)
    else:
        done.extend(each.digest for each in policies)


def _show(
    service: Service,
    each: Filed,
    receipt: bytes,
    done: list[Digest],
    refused: dict[Digest, BrokerRefusalError],
) -> None:
    try:
        service.broker.acknowledge(Attested(each.envelope, receipt))
    except BrokerRefusalError as error:
        refused[each.digest] = error
    else:
        done.append(each.digest)


def _keep(service: Service, acknowledged: list[Digest]) -> None:
    if not acknowledged:
        return
    with service.transactions() as work:
        for digest in acknowledged:
            work.statements.acknowledged(digest)
        work.commit()
