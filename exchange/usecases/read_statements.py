"""Statements by type and reference, or one by its identity: for who may know of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crypto.digests import Digest
from crypto.statements import STATEMENT_TYPES, Statement
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Role,
    Roster,
    Sitting,
    TrustPolicy,
)
from exchange.usecases.errors import InvalidRequestError, NotFoundError
from exchange.usecases.facts import association_of, person_of
from exchange.usecases.ledger import REFERENCE_FIELDS, Accepted, StatementIndex
from exchange.usecases.read_sitting import may_see_all
from exchange.usecases.reading import Reading, answer, record_reading
from exchange.usecases.record import filed, present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller

OPEN_TO_ALL: Final = (TrustPolicy, Certificate, Revocation, Roster, Closing)
"""What every party must check for itself; logged each time it is read."""


def read_statements(
    service: Service, caller: Caller, kind: str, wanted: Mapping[str, str]
) -> Reading:
    """All statements of a type (``TYPE``) that match and that the caller may know of."""
    chosen = next((each for each in STATEMENT_TYPES.values() if kind == each.TYPE), None)
    unknown = set(wanted) - set(REFERENCE_FIELDS)
    if chosen is None or unknown:
        raise InvalidRequestError("Ce type de déclaration, ou ce critère, est inconnu.")
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        found = work.statements.find(chosen, **wanted)
        visible = [each for each in found if _may_know(work.statements, caller, each)]
        waiting = [filed(work, each) for each in visible]
        ticket = record_reading(service, work, caller, kind)
        work.commit()
    return answer(service, waiting, ticket)


def read_statement(service: Service, caller: Caller, digest: Digest) -> Reading:
    """One statement; raises NotFoundError for what is absent and for what is not the caller's."""
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        accepted = work.statements.get(digest)
        if accepted is None or not _may_know(work.statements, caller, accepted):
            raise NotFoundError("Cette déclaration n'est pas enregistrée ici.")
        waiting = [filed(work, accepted)]
        ticket = record_reading(service, work, caller, accepted.statement.TYPE)
        work.commit()
    return answer(service, waiting, ticket)


def _may_know(index: StatementIndex, caller: Caller, accepted: Accepted[Statement]) -> bool:
    statement = accepted.statement
    if may_see_all(caller) or isinstance(statement, OPEN_TO_ALL):
        return True
    if isinstance(statement, Sitting):
        seated = any(each.person == caller.person for each in statement.seats)
        return seated or Role.DEPOSITOR in caller.roles
    if isinstance(statement, Agenda):
        return bool({Role.MEMBER, Role.DEPOSITOR} & caller.roles)
    if caller.signer is not None and statement.signer == caller.signer:
        return True
    if caller.person is not None and person_of(index, statement) == caller.person:
        return True
    return Role.DEPOSITOR in caller.roles and (
        association_of(index, statement) == caller.organisation
    )
