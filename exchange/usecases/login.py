"""Login: a signed answer to a challenge. No password ever reaches the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.events import EventType
from crypto.statements import Unverified, Verified, parse
from crypto.statements.exchange import Login
from exchange.usecases.authority import certificate_of_key, find_certificate
from exchange.usecases.errors import ExpiredError, NotAllowedError, UseCaseError, explained
from exchange.usecases.ports import UnitOfWork
from exchange.usecases.rates import login_refusals, pass_one
from exchange.usecases.record import present, publish, receipt, record_event, record_statement
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import caller_of, require_fresh, verified_by


@dataclass(frozen=True)
class LoggedIn:
    """Who logged in, and the receipt of the event."""

    caller: Caller
    receipt: bytes


def login(service: Service, envelope: bytes) -> LoggedIn:
    """Accept a login; raises NotAllowedError or ExpiredError, logged as ``login.refused``."""
    now = present(service)
    with explained():
        unverified = parse(Login, envelope)
    with service.transactions() as work:
        # Taken whatever follows: a nonce is tried once.
        expires_at = work.challenges.take(unverified.statement.nonce)
        work.commit()
    try:
        with service.transactions() as work:
            caller, ticket = _accept(service, work, unverified, expires_at, now)
            work.commit()
    except UseCaseError as error:
        _refuse(service, error, now)
        raise
    publish(service)
    return LoggedIn(caller, receipt(service, ticket))


def _accept(
    service: Service,
    work: UnitOfWork,
    unverified: Unverified[Login],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[Caller, int]:
    statement = unverified.statement
    if expires_at is None or now >= expires_at or now >= statement.expires_at:
        raise ExpiredError("Ce défi de connexion est inconnu, passé ou déjà utilisé : recommencez.")
    if statement.origin != service.origin:
        raise NotAllowedError("Cette connexion était destinée à un autre service.")
    require_fresh(service, statement, now)
    verified = verified_by(service, work, unverified, now)
    caller = _caller(work, verified, now)
    cites = {"certificate": caller.certificate} if caller.certificate else {}
    facts = {"key": caller.key} if caller.key else {}
    ticket = record_statement(
        service, work, verified, EventType.LOGIN_ACCEPTED, at=now, cites=cites, facts=facts
    )
    return caller, ticket


def _caller(work: UnitOfWork, verified: Verified[Login], now: datetime) -> Caller:
    signer = verified.statement.signer
    certificate = find_certificate(work.statements, signer) or certificate_of_key(
        work.statements, signer, now
    )
    return caller_of(certificate) if certificate else Caller(key=signer)


def _refuse(service: Service, error: UseCaseError, now: datetime) -> None:
    with service.transactions() as work:
        held_back = pass_one(work, login_refusals(service), now)
        if held_back is not None:
            facts = {"reason": error.code}
            if held_back:
                facts["held_back"] = str(held_back)
            record_event(service, work, EventType.LOGIN_REFUSED, at=now, facts=facts)
        work.commit()
