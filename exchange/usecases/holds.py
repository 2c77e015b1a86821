"""Which dossiers are kept back from a purge (appeal, inquiry), and until when."""

from __future__ import annotations

from datetime import datetime

from crypto.statements.custody import Hold
from exchange.usecases.ledger import Accepted, StatementIndex


def is_lifting(statement: Hold) -> bool:
    """Whether a hold ends those before it, rather than keeping anything."""
    return statement.until == statement.issued_at


def hold_in_force(index: StatementIndex, dossier: str, at: datetime) -> Accepted[Hold] | None:
    """The latest hold on a dossier, if it still runs at ``at``: a later one replaces those before."""
    found = index.find(Hold, dossier=dossier)
    return found[-1] if found and at < found[-1].statement.until else None
