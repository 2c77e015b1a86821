"""Every trust policy, for anyone: what a client checks before it believes anything else."""

from __future__ import annotations

from crypto.statements.registry import TrustPolicy
from exchange.usecases.ports import Attested
from exchange.usecases.record import attest_all, filed
from exchange.usecases.service import Service


def trust_policies(service: Service) -> tuple[Attested, ...]:
    """All versions, oldest first, with their receipts."""
    with service.transactions() as work:
        accepted = sorted(
            work.statements.find(TrustPolicy), key=lambda each: each.statement.version
        )
        waiting = [filed(work, each) for each in accepted]
    return attest_all(service, waiting)
