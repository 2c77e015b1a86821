"""Until when a deposit is taken: before the limit, later if asked for, or in urgency."""

from __future__ import annotations

from datetime import datetime

from exchange.domain.errors import RuleError
from exchange.domain.sittings import Sitting


def check_deposit_time(
    sitting: Sitting, at: datetime, *, urgent: bool, answer_by: datetime | None
) -> None:
    """Raise RuleError for a deposit that comes too late.

    After ``deposit_by`` the secretariat may still ask for missing pieces until a moment that it sets
    (CRPA L114-5), and an urgent dossier is taken until the sitting's dossiers open: members have not
    begun to read by then, and the registrar decides whether it goes on the agenda (CRPA R133-8).
    """
    if at < sitting.deposit_by or (answer_by is not None and at < answer_by):
        return
    if answer_by is not None:
        raise RuleError(
            "Le complément demandé était attendu jusqu'au {limit:%d/%m/%Y %H:%M} UTC : "
            "adressez-vous au secrétariat.",
            limit=answer_by,
        )
    if not urgent:
        raise RuleError(
            "Les dépôts pour cette séance étaient reçus jusqu'au {limit:%d/%m/%Y %H:%M} UTC : "
            "adressez-vous au secrétariat, ou déposez en urgence si la situation le demande.",
            limit=sitting.deposit_by,
        )
    if at >= sitting.opens_at:
        raise RuleError(
            "Les dossiers de cette séance sont ouverts aux membres depuis le "
            "{opened:%d/%m/%Y %H:%M} UTC : même en urgence, rien ne s'y ajoute plus.",
            opened=sitting.opens_at,
        )


def check_answer_by(sitting: Sitting, answer_by: datetime, now: datetime) -> None:
    """Raise RuleError unless a complement can be answered by then, and read before the closing."""
    if not now < answer_by <= sitting.closes_at:
        raise RuleError("Un complément s'attend jusqu'à une date à venir, avant la clôture.")
