"""Accepting a signed statement: check, record, publish, tell the broker; and end keys where due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from audit.checkpoint import Checkpoint
from audit.entries import parse_leaf
from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Statement, Unverified, Verified, parse_any
from crypto.statements.agenda import AgendaOpening, open_whole
from crypto.statements.custody import Emergency, Purge, Retention
from crypto.statements.exchange import Withdrawal
from crypto.statements.registry import Agenda, Closing, TrustPolicy
from crypto.trust import accept_first, accept_next
from exchange.usecases.acceptance import CHECKS, AcceptanceContext
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.destruction import destroy_keys
from exchange.usecases.endings import end_deposits, purge_deposits, purge_withdrawn
from exchange.usecases.errors import InvalidRequestError, NotAllowedError, explained
from exchange.usecases.ports import Attested, UnitOfWork
from exchange.usecases.record import present, publish, receipt, record_statement
from exchange.usecases.retention import apply_retention
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import (
    require_caller,
    require_fresh,
    require_own,
    trusted_policy,
    verified_by,
)


@dataclass(frozen=True)
class AcceptedStatement:
    """The statement's identity, its receipt and, where keys ended, the broker's destruction."""

    digest: Digest
    receipt: bytes
    destruction: Attested | None = None


def accept_statement(
    service: Service,
    caller: Caller | None,
    envelope: bytes,
    openings: Sequence[AgendaOpening] = (),
) -> AcceptedStatement:
    """Accept one statement of a type in ``CHECKS``. The same statement again changes nothing.

    An agenda comes with the openings of all its items; nothing else comes with any.

    Without a login only two things are accepted, whose own signatures speak for them: trust policies,
    which the roots' threshold signed (the first is entry 0 of the log, and the one that names a new
    broker must come in while the old one is lost), and a registrar's emergency (a login is an event,
    and while witnesses are missing none can be published).
    """
    now = present(service)
    with explained():
        unverified = parse_any(envelope)
    if type(unverified.statement) not in CHECKS:
        raise InvalidRequestError(
            "Une déclaration « {type} » ne se dépose pas par cette voie.",
            type=unverified.statement.TYPE,
        )
    if openings and not isinstance(unverified.statement, Agenda):
        raise InvalidRequestError("Seul un ordre du jour s'accompagne d'ouvertures.")
    with service.transactions() as work:
        _require_login(service, work, caller, unverified, now)
        known = work.statements.get(unverified.digest)
        if known is None:
            ticket = _accept(service, work, unverified, tuple(openings), now)
            end_deposits(work, unverified.statement)
            work.commit()
        else:
            ticket = known.order
    publish(service)
    refused = push_to_broker(service).get(unverified.digest)
    if refused is not None:
        raise refused
    destruction = _complete(service, unverified)
    return AcceptedStatement(unverified.digest, receipt(service, ticket), destruction)


def _complete(service: Service, unverified: Unverified[Statement]) -> Attested | None:
    """What follows an acceptance. Each step may be repeated: a retry finishes what a crash cut."""
    match unverified.statement:
        case Withdrawal():
            destroyed = destroy_keys(service, unverified.digest)
            purge_withdrawn(service, unverified.digest)
            return destroyed
        case Closing():
            return destroy_keys(service, unverified.digest)
        case Purge():
            purge_deposits(service, unverified.digest)
        case Retention():
            apply_retention(service, unverified.digest)
    return None


def _accept(
    service: Service,
    work: UnitOfWork,
    unverified: Unverified[Statement],
    openings: tuple[AgendaOpening, ...],
    now: datetime,
) -> int:
    statement = unverified.statement
    require_fresh(service, statement, now)
    verified = _verified(service, work, unverified, now)
    CHECKS[type(statement)](_context(service, work, openings, now), statement)
    if isinstance(statement, TrustPolicy) and _names_a_new_broker(work, statement):
        work.statements.forget_acknowledgements()
    ticket = record_statement(
        service,
        work,
        verified,
        EventType.STATEMENT_ACCEPTED,
        at=now,
        facts={"type": statement.TYPE},
    )
    if isinstance(statement, Agenda):
        opened = open_whole(statement, service.origin, openings)
        work.statements.open_items(verified.digest, opened)
    return ticket


def _names_a_new_broker(work: UnitOfWork, policy: TrustPolicy) -> bool:
    known = {
        key for each in work.statements.find(TrustPolicy) for key in each.statement.broker_keys
    }
    return not known.issuperset(policy.broker_keys)


def _require_login(
    service: Service,
    work: UnitOfWork,
    caller: Caller | None,
    unverified: Unverified[Statement],
    now: datetime,
) -> None:
    statement = unverified.statement
    if caller is None and isinstance(statement, (TrustPolicy, Emergency)):
        return
    if caller is None:
        raise NotAllowedError("Connectez-vous d'abord pour déposer cette déclaration.")
    require_caller(service, work, caller, now)
    # What the roots sign off line is carried by whoever can log in: their threshold speaks for it.
    if not isinstance(statement, TrustPolicy):
        require_own(caller, statement)


def _verified(
    service: Service, work: UnitOfWork, unverified: Unverified[Statement], now: datetime
) -> Verified[Statement]:
    statement = unverified.statement
    if not isinstance(statement, TrustPolicy):
        return verified_by(service, work, unverified, now)
    with explained():
        current = trusted_policy(service.trust, work.statements)
        policy = Unverified(
            statement,
            unverified.envelope,
            unverified.digest,
            unverified.encoding,
            unverified.signatures,
        )
        trusted = accept_next(current, policy) if current else accept_first(service.trust, policy)
    return trusted.verified


def _context(
    service: Service, work: UnitOfWork, openings: tuple[AgendaOpening, ...], now: datetime
) -> AcceptanceContext:
    note = service.log.checkpoint()

    def leaf_day(index: int) -> date:
        (leaf,) = service.log_store.leaves(index, 1)
        return parse_leaf(leaf).day

    return AcceptanceContext(
        index=work.statements,
        now=now,
        trust=service.trust,
        origin=service.origin,
        log_size=Checkpoint.of_note(note).size if note else 0,
        retention=service.limits.retention,
        purge_delay=service.limits.purge_delay,
        deposit=work.deposits.get,
        leaf_day=leaf_day,
        index_of=service.log_store.index_of,
        openings=openings,
    )
