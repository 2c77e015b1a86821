"""Holds, purges, retention, and what auditors and roots say of the log."""

from __future__ import annotations

from typing import Final

from audit.checkpoint import Checkpoint
from audit.policy import LogPolicy
from crypto.statements.custody import (
    Attestation,
    BundleIndex,
    Emergency,
    Hold,
    IndexRange,
    Purge,
    Retention,
)
from crypto.statements.exchange import Manifest
from crypto.statements.registry import (
    TrustPolicy,
)
from exchange.domain.deposit_lifecycle import TABLE, DepositEvent, DepositState
from exchange.domain.lifecycle import allows
from exchange.usecases.acceptance.context import AcceptanceContext, not_found
from exchange.usecases.emergency import MAX_EMERGENCY
from exchange.usecases.errors import ConflictError, ExpiredError, InvalidRequestError, explained
from exchange.usecases.facts import ended_at, manifest_of
from exchange.usecases.holds import held_until
from exchange.usecases.index_ranges import covered
from exchange.usecases.retention import REGISTRY
from exchange.usecases.signatures import ONE_YEAR

MAX_HOLD: Final = 10 * ONE_YEAR
"""Ten years: longer than an appeal up to the Conseil d'État; a longer hold is signed again."""


def check_hold(context: AcceptanceContext, statement: Hold) -> None:
    """Until a day to come, on dossiers that exist; or the lifting of a hold that runs."""
    if statement.until is None:
        _check_lifting(context, statement)
        return
    if not context.now < statement.until <= context.now + MAX_HOLD:
        raise ExpiredError("La date de fin de cette conservation est passée, ou trop lointaine.")
    for dossier in statement.dossiers:
        if not context.index.find(Manifest, dossier=dossier):
            raise not_found("Le dossier {dossier} n'existe pas.", dossier=dossier)


def _check_lifting(context: AcceptanceContext, statement: Hold) -> None:
    for dossier in statement.dossiers:
        if held_until(context.index, dossier, context.now) is None:
            raise ConflictError(
                "Aucune conservation ne court sur le dossier {dossier} : il n'y a rien à lever.",
                dossier=dossier,
            )


def check_purge(context: AcceptanceContext, statement: Purge) -> None:
    """Deposits of that sitting that were withdrawn or closed, and that nobody holds."""
    for deposit in statement.deposits:
        record = context.deposit(deposit)
        if record is None or record.sitting != statement.sitting:
            raise not_found("Un des dépôts à purger n'existe pas à cette séance.")
        if not allows(TABLE, DepositState(record.state), DepositEvent.PURGE):
            raise ConflictError(
                "Un dépôt ne se purge qu'après son retrait ou la clôture de la séance "
                "(état : {state}).",
                state=record.state,
            )
        if record.state == DepositState.CLOSED:
            _require_delay_over(context, statement.sitting)
        manifest = manifest_of(context.index, deposit)
        if manifest and held_until(context.index, manifest.statement.dossier, context.now):
            raise ConflictError(
                "Le dossier {dossier} est sous conservation (recours ou enquête).",
                dossier=manifest.statement.dossier,
            )


def _require_delay_over(context: AcceptanceContext, sitting: str) -> None:
    """A closed sitting's ciphertexts stay for the configured delay; a withdrawn dossier's do not."""
    ended = ended_at(context.index, sitting)
    if ended is not None and context.now < ended + context.purge_delay:
        raise ConflictError(
            "Les dépôts de cette séance se purgent à partir du {day:%d/%m/%Y} ({days} jours après sa "
            "clôture).",
            day=ended + context.purge_delay,
            days=context.purge_delay.days,
        )


def check_retention(context: AcceptanceContext, statement: Retention) -> None:
    """Only of entries that are old enough and attested, and of no registry event."""
    _check_ranges(context, statement.ranges)
    youngest = (context.now - context.retention).date()
    for each in statement.ranges:
        if context.leaf_day(each.last) > youngest:
            raise ConflictError(
                "Les événements {first} à {last} ne sont pas tous au terme de leur conservation "
                "({days} jours).",
                first=each.first,
                last=each.last,
                days=context.retention.days,
            )
    _check_no_registry(context, statement.ranges)
    attested = [
        covered for each in context.index.find(Attestation) for covered in each.statement.ranges
    ]
    for wanted in statement.ranges:
        if not covered(wanted, attested):
            raise ConflictError(
                "Les événements {first} à {last} n'ont pas tous été attestés par un vérificateur.",
                first=wanted.first,
                last=wanted.last,
            )


def _check_no_registry(context: AcceptanceContext, ranges: tuple[IndexRange, ...]) -> None:
    for kind in REGISTRY:
        for accepted in context.index.find(kind):
            index = context.index_of(accepted.order)
            if index is not None and any(each.first <= index <= each.last for each in ranges):
                raise ConflictError(
                    "L'événement {index} porte une déclaration du registre : son détail reste.",
                    index=index,
                )


def _check_ranges(context: AcceptanceContext, ranges: tuple[IndexRange, ...]) -> None:
    for each in ranges:
        if not each.first <= each.last < context.log_size:
            raise InvalidRequestError("Ces événements ne sont pas encore dans le journal.")


def check_attestation(context: AcceptanceContext, statement: Attestation) -> None:
    """Of entries below the checkpoint that the auditor cites."""
    _check_ranges(context, statement.ranges)
    with explained():
        size = Checkpoint.of_note(statement.checkpoint.encode()).size
    if any(each.last >= size for each in statement.ranges):
        raise InvalidRequestError("Ces événements dépassent le point de contrôle cité.")


def check_emergency(context: AcceptanceContext, statement: Emergency) -> None:
    """Not expired, not for long, and lower than what the witness policy asks."""
    if statement.expires_at <= context.now:
        raise ExpiredError("Cette mesure d'urgence a déjà expiré.")
    if statement.expires_at > statement.issued_at + MAX_EMERGENCY:
        raise InvalidRequestError(
            "Une mesure d'urgence dure au plus {days} jours : au-delà, changez les témoins par une "
            "nouvelle politique de confiance.",
            days=MAX_EMERGENCY.days,
        )
    policies = context.index.find(TrustPolicy)
    with explained():
        rules = LogPolicy.from_trust_policy(policies[-1].statement)
    if not statement.quorum < len(rules.independent_witnesses):
        raise InvalidRequestError(
            "La politique de confiance compte {count} témoin(s) indépendant(s) : exiger {quorum} "
            "cosignature(s) n'abaisserait rien.",
            count=len(rules.independent_witnesses),
            quorum=statement.quorum,
        )


def check_bundle_index(_context: AcceptanceContext, statement: BundleIndex) -> None:
    """Each path once."""
    paths = [each.path for each in statement.files]
    if len(set(paths)) != len(paths):
        raise InvalidRequestError("Un fichier figure deux fois dans cet index.")
