"""Which dossiers are kept back from a purge (appeal, inquiry), and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crypto.statements.custody import Hold
from exchange.usecases.ledger import Accepted, StatementIndex


def held_until(index: StatementIndex, dossier: str, at: datetime) -> datetime | None:
    """Until when a dossier is kept back, if it is at ``at``: the latest hold replaces those before."""
    found: Sequence[Accepted[Hold]] = index.find(Hold, dossier=dossier)
    until = found[-1].statement.until if found else None
    return until if until is not None and at < until else None
