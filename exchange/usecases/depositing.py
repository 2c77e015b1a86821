"""What the verbs of a deposit have in common: the sitting takes deposits, the association may."""

from __future__ import annotations

from datetime import datetime

from crypto.digests import Digest
from crypto.statements.registry import Roster, Sitting
from exchange.domain.ids import OrganisationCode
from exchange.usecases.errors import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    NotFoundError,
    explained,
)
from exchange.usecases.facts import (
    closing_of,
    in_sitting_chain,
    latest_roster,
    latest_sitting,
    roster_in_force,
    sitting_in_force,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import DepositRecord, UnitOfWork
from exchange.usecases.service import Caller


def known_sitting(index: StatementIndex, sitting: str, seen: Digest) -> Accepted[Sitting]:
    """The version in force, of which the author saw ``seen``; raises NotFoundError, ConflictError."""
    latest = latest_sitting(index, sitting)
    if latest is None:
        raise NotFoundError("Cette séance est inconnue de ce service.")
    if not in_sitting_chain(index, sitting, seen):
        raise ConflictError("La version citée n'est pas une version de cette séance : relisez-la.")
    return latest


def open_sitting(
    index: StatementIndex, sitting: str, seen: Digest, now: datetime
) -> Accepted[Sitting]:
    """The same, if deposits are still taken; raises ExpiredError."""
    latest = known_sitting(index, sitting, seen)
    require_unclosed(index, latest, now)
    if now >= latest.statement.deposit_by:
        raise ExpiredError(
            "Les dépôts pour cette séance étaient reçus jusqu'au {limit:%d/%m/%Y %H:%M} UTC : "
            "adressez-vous au secrétariat.",
            limit=latest.statement.deposit_by,
        )
    return latest


def require_unclosed(index: StatementIndex, sitting: Accepted[Sitting], now: datetime) -> None:
    """Raise ExpiredError once a sitting was closed, or its time is over."""
    closed = closing_of(index, sitting.statement.sitting) is not None
    if closed or now >= sitting.statement.closes_at:
        raise ExpiredError("Cette séance est close : plus rien ne s'y dépose ni ne s'y ouvre.")


def roster_now(index: StatementIndex) -> Roster:
    """The roster in force; raises NotFoundError."""
    latest = latest_roster(index)
    if latest is None:
        raise NotFoundError("La composition de la commission n'est pas encore publiée.")
    return latest.statement


def require_approval(index: StatementIndex, association: str, sitting: str, now: datetime) -> None:
    """Raise NotAllowedError unless the association is approved today (CASF R121-12-3)."""
    latest = latest_sitting(index, sitting)
    if latest is None:
        raise NotFoundError("Cette séance est inconnue de ce service.")
    with explained():
        day = sitting_in_force(latest.statement).day_of(now)
    if not roster_in_force(roster_now(index)).approved(OrganisationCode(association), day):
        raise NotAllowedError(
            "L'agrément de votre association n'est pas valable ce jour : adressez-vous au "
            "secrétariat."
        )


def own_deposit(work: UnitOfWork, caller: Caller, deposit: str) -> DepositRecord:
    """A deposit of the caller's association; raises NotFoundError for any other, known or not."""
    record = work.deposits.get(deposit)
    if record is None or caller.organisation is None or record.organisation != caller.organisation:
        raise NotFoundError("Ce dépôt est inconnu de ce service.")
    return record
