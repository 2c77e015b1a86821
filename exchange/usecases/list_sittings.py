"""The sittings that concern a caller, the version in force of each."""

from __future__ import annotations

from crypto.statements.registry import Role, Sitting
from exchange.usecases.ledger import Accepted
from exchange.usecases.reading import Reading, answer, record_reading
from exchange.usecases.record import filed_all, present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller
from exchange.usecases.visibility import may_see_all


def list_sittings(service: Service, caller: Caller) -> Reading:
    """Members see the sittings at which they sit; depositors, registrars and auditors see all."""
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        latest: dict[str, Accepted[Sitting]] = {}
        for version in work.statements.find(Sitting):
            known = latest.get(version.statement.sitting)
            if known is None or known.statement.version < version.statement.version:
                latest[version.statement.sitting] = version
        everything = may_see_all(caller) or Role.DEPOSITOR in caller.roles
        shown = (
            each
            for each in latest.values()
            if everything or any(seat.person == caller.person for seat in each.statement.seats)
        )
        waiting = filed_all(work, shown)
        ticket = record_reading(service, work, caller, "sittings")
        work.commit()
    return answer(service, waiting, ticket)
