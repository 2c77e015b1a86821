"""From an envelope off the network to a verified, fresh statement by someone who may sign it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeVar

from crypto.digests import Digest
from crypto.statements import Statement, Unverified, Verified
from crypto.statements.custody import Recovery
from crypto.statements.registry import Certificate, Role, TrustPolicy
from crypto.trust import Trust, TrustedPolicy, accept_signed
from exchange.usecases.authority import certified, verify_statement
from exchange.usecases.errors import ExpiredError, NotAllowedError, explained
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Statements, UnitOfWork
from exchange.usecases.service import CEREMONY_LIFETIME, Caller, Service

S = TypeVar("S", bound=Statement)

_SIGNED_OFF_LINE: Final = (TrustPolicy, Recovery)


def trusted_policy(trust: Trust, statements: Statements) -> TrustedPolicy | None:
    """The trust policy in force, verified again from the pinned root; None before the first."""
    envelopes = tuple(each.envelope for each in statements.signed(TrustPolicy))
    return accept_signed(trust, envelopes) if envelopes else None


def verified_by(
    service: Service, work: UnitOfWork, unverified: Unverified[S], now: datetime
) -> Verified[S]:
    """Verify commission, signer and signature as of ``now``; raises NotAllowedError."""
    with explained():
        policy = trusted_policy(service.trust, work.statements)
        return verify_statement(policy, work.statements, unverified, now)


def require_fresh(service: Service, statement: Statement, now: datetime) -> None:
    """Raise ExpiredError when ``issued_at`` is too far from the clock."""
    tolerance = service.limits.clock_tolerance
    oldest = CEREMONY_LIFETIME if isinstance(statement, _SIGNED_OFF_LINE) else tolerance
    require_between(statement.issued_at, now - oldest, now + tolerance)


def require_between(issued_at: datetime, first: datetime, last: datetime) -> None:
    """Raise ExpiredError unless ``first ≤ issued_at ≤ last``."""
    if not first <= issued_at <= last:
        raise ExpiredError(
            "Cette déclaration est datée du {issued:%d/%m/%Y %H:%M} UTC, trop loin de l'heure du "
            "service : vérifiez l'heure de votre machine, puis recommencez.",
            issued=issued_at,
        )


def require_own(caller: Caller, statement: Statement) -> None:
    """Raise NotAllowedError when someone else than the caller signed."""
    if caller.signer is None or statement.signer != caller.signer:
        raise NotAllowedError(
            "Cette déclaration est signée par une autre clé que celle de votre connexion."
        )


def require_caller(service: Service, work: UnitOfWork, caller: Caller, now: datetime) -> None:
    """Raise NotAllowedError when the login's key no longer counts: a session outlives no key."""
    with explained():
        if caller.certificate is not None:
            certified(work.statements, caller.certificate, now)
            return
        policy = trusted_policy(service.trust, work.statements)
        if policy and caller.key and policy.registrar_key(caller.key, now):
            return
    raise NotAllowedError("Connectez-vous d'abord : la clé de cette connexion n'est plus valable.")


def require_certificate(
    service: Service, work: UnitOfWork, caller: Caller, role: Role, now: datetime
) -> Accepted[Certificate]:
    """The caller's certificate, valid now and with that role; raises NotAllowedError."""
    require_caller(service, work, caller, now)
    if caller.certificate is None:
        raise NotAllowedError("Cette action demande le certificat d'une personne.")
    with explained():
        accepted = certified(work.statements, caller.certificate, now)
    if role not in accepted.statement.roles:
        raise NotAllowedError("Votre certificat ne donne pas le rôle qu'il faut pour cette action.")
    return accepted


def caller_of(certificate: Accepted[Certificate]) -> Caller:
    """The caller that a certificate makes."""
    statement = certificate.statement
    return Caller(
        person=statement.person,
        certificate=Digest(certificate.digest),
        roles=frozenset(statement.roles),
        organisation=statement.organisation,
    )


ONE_YEAR: Final = timedelta(days=366)
"""Twelve months, a leap year included."""
