"""Statements by type and reference, or one by its identity: for who may know of them."""

from __future__ import annotations

from collections.abc import Mapping

from crypto.digests import Digest
from crypto.statements import STATEMENT_TYPES
from exchange.usecases.errors import InvalidRequestError, NotFoundError
from exchange.usecases.ledger import REFERENCE_FIELDS
from exchange.usecases.reading import Reading, answer, record_reading
from exchange.usecases.record import filed, filed_all, present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller
from exchange.usecases.visibility import may_know


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
        index = work.statements
        found = index.find(chosen, **wanted)
        visible = [each for each in found if may_know(index, caller, each.statement)]
        waiting = filed_all(work, visible)
        ticket = record_reading(service, work, caller, kind)
        work.commit()
    return answer(service, waiting, ticket)


def read_statement(service: Service, caller: Caller, digest: Digest) -> Reading:
    """One statement; raises NotFoundError for what is absent and for what is not the caller's."""
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        index = work.statements
        accepted = index.get(digest)
        if accepted is None or not may_know(index, caller, accepted.statement):
            raise NotFoundError("Cette déclaration n'est pas enregistrée ici.")
        waiting = [filed(work, accepted)]
        ticket = record_reading(service, work, caller, accepted.statement.TYPE)
        work.commit()
    return answer(service, waiting, ticket)
