"""What the verbs of a deposit have in common: the sitting takes deposits, the association may."""

from __future__ import annotations

from datetime import datetime

from crypto.digests import Digest
from crypto.statements.exchange import ComplementRequest, Manifest
from crypto.statements.registry import Roster, Sitting
from exchange.domain.deposit_window import check_deposit_time
from exchange.domain.errors import RuleError
from exchange.domain.ids import OrganisationCode
from exchange.usecases.errors import (
    ConflictError,
    ExpiredError,
    NotAllowedError,
    NotFoundError,
    explained,
)
from exchange.usecases.facts import (
    association_of_dossier,
    closing_of,
    complement_request_of,
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


def open_sitting(index: StatementIndex, manifest: Manifest, now: datetime) -> Accepted[Sitting]:
    """The same, if it still takes this deposit; raises ExpiredError."""
    latest = known_sitting(index, manifest.sitting, manifest.sitting_sha256)
    asked = complement_request_of(index, manifest.sitting, manifest.dossier)
    _require_time(
        index,
        latest,
        now,
        urgent=manifest.urgent,
        answer_by=asked.statement.answer_by if asked else None,
    )
    return latest


def sitting_to_begin(
    index: StatementIndex, sitting: str, seen: Digest, association: str, now: datetime
) -> Accepted[Sitting]:
    """The same, if it may still take a deposit of this association; raises ExpiredError.

    What the deposit is shows only when it is committed: here an urgent one is thought of, and any
    dossier of the association that was asked for a complement.
    """
    latest = known_sitting(index, sitting, seen)
    asked = [
        each.statement.answer_by
        for each in index.find(ComplementRequest, sitting=sitting)
        if association_of_dossier(index, each.statement.dossier) == association
    ]
    longest = max(asked, default=None)
    urgent = now < latest.statement.opens_at
    running = longest if longest is not None and now < longest else None
    _require_time(index, latest, now, urgent=urgent, answer_by=running)
    return latest


def _require_time(
    index: StatementIndex,
    sitting: Accepted[Sitting],
    now: datetime,
    *,
    urgent: bool,
    answer_by: datetime | None,
) -> None:
    require_unclosed(index, sitting, now)
    try:
        check_deposit_time(
            sitting_in_force(sitting.statement), now, urgent=urgent, answer_by=answer_by
        )
    except RuleError as error:
        raise ExpiredError(error.message, **error.params) from error


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
