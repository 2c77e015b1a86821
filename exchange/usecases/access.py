"""What an access request comes to for one deposit: decided by service, broker and replay from the same facts."""

from __future__ import annotations

from datetime import datetime

from crypto.digests import Digest
from crypto.statements.exchange import AccessRequest
from exchange.domain.policy import Refuse, decide
from exchange.domain.refusals import RefusalReason
from exchange.usecases.facts import access_facts, cited
from exchange.usecases.ledger import StatementIndex


def refusal_of(
    index: StatementIndex, request: AccessRequest, deposit: str, now: datetime
) -> RefusalReason | None:
    """Why a deposit may not be opened to the request's author now; None when it may."""
    verdict = decide(
        access_facts(
            index,
            certificate=request.signer,
            sitting=request.sitting,
            deposit=deposit,
            purpose=request.purpose,
            now=now,
        )
    )
    return verdict.reason if isinstance(verdict, Refuse) else None


def grounds_of(index: StatementIndex, request: AccessRequest, deposit: str) -> dict[str, Digest]:
    """The statements on which the release rests, by their role in its event."""
    return cited(
        index,
        certificate=request.signer,
        sitting=request.sitting,
        deposit=deposit,
        purpose=request.purpose,
    )
