"""Which emergencies lower the quorum now, so that whoever relies on the log is told."""

from __future__ import annotations

from datetime import datetime

from crypto.statements.custody import Emergency
from exchange.client.trusted_view import TrustedView
from exchange.usecases.emergency import permitted_by


def emergencies_in_force(view: TrustedView, now: datetime) -> tuple[Emergency, ...]:
    """Those that lower the quorum now, oldest first."""
    return tuple(
        each.statement
        for each in view.ledger.find(Emergency)
        if now < each.statement.expires_at and permitted_by(view.policy, each.statement)
    )
