"""Enrolment: an invited person's device presents its two public keys. No login exists yet."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from audit.events import EventType
from crypto.age.recipients import check_recipient
from crypto.statements import Unverified, parse
from crypto.statements.registry import Enrolment, Invitation
from exchange.usecases.accept_statement import AcceptedStatement
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.errors import (
    ConflictError,
    ExpiredError,
    NotFoundError,
    explained,
)
from exchange.usecases.ports import UnitOfWork
from exchange.usecases.record import present, publish, receipt, record_statement
from exchange.usecases.service import Service
from exchange.usecases.signatures import require_fresh, verified_by

MAX_DEVICES: Final = 5
"""Enrolments of one invitation: an office PC, a laptop, and a few that were lost."""


def enrol(service: Service, invitation: str, envelope: bytes) -> AcceptedStatement:
    """Accept an enrolment under the invitation with that id. The same one again is the same."""
    now = present(service)
    with explained():
        unverified = parse(Enrolment, envelope)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            ticket = _accept(service, work, unverified, invitation, now)
            work.commit()
        else:
            ticket = known.order
    publish(service)
    push_to_broker(service)
    return AcceptedStatement(unverified.digest, receipt(service, ticket))


def _accept(
    service: Service,
    work: UnitOfWork,
    unverified: Unverified[Enrolment],
    wanted: str,
    now: datetime,
) -> int:
    require_fresh(service, unverified.statement, now)
    invited = work.statements.get(unverified.statement.invitation)
    if invited is None or not isinstance(invited.statement, Invitation):
        raise NotFoundError("Cette invitation est inconnue de ce service.")
    if invited.statement.id != wanted:
        raise NotFoundError("Cette inscription cite une autre invitation.")
    with explained():  # a key of small order would open to everybody who guesses it
        check_recipient(unverified.statement.recipient)
    if now >= invited.statement.expires_at:
        raise ExpiredError("Cette invitation a expiré : demandez-en une autre au secrétariat.")
    earlier = work.statements.find(Enrolment, invitation=invited.digest)
    if len(earlier) >= MAX_DEVICES:
        raise ConflictError("Cette invitation a déjà servi : demandez-en une autre au secrétariat.")
    verified = verified_by(service, work, unverified, now)
    return record_statement(
        service,
        work,
        verified,
        EventType.STATEMENT_ACCEPTED,
        at=now,
        facts={"type": Enrolment.TYPE},
    )
