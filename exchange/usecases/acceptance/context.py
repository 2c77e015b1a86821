"""What the checks of one statement may look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import AgendaOpening
from crypto.statements.registry import Certificate
from crypto.trust import Trust
from exchange.usecases.authority import find_certificate
from exchange.usecases.errors import ConflictError, NotAllowedError, NotFoundError
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import DepositRecord


@dataclass(frozen=True)
class AcceptanceContext:
    """The state on which a new statement must fit, at one moment."""

    index: StatementIndex
    now: datetime
    trust: Trust
    origin: str
    log_size: int
    retention: timedelta
    purge_delay: timedelta
    """How long after a sitting's closing its ciphertexts stay."""
    deposit: Callable[[str], DepositRecord | None]
    leaf_day: Callable[[int], date]
    """The public day of an entry, by index."""
    index_of: Callable[[int], int | None]
    """The index of a ticket."""
    openings: tuple[AgendaOpening, ...] = ()
    """What came along with an agenda: each of its items, opened."""

    def signer(self, statement: Statement) -> Accepted[Certificate]:
        """The certificate that signed; the signature was verified before."""
        certificate = find_certificate(self.index, statement.signer)
        if certificate is None:
            raise NotAllowedError("Cette déclaration demande le certificat d'une personne.")
        return certificate


def check_chain(
    latest: Accepted[Any] | None, version: int, previous: Digest | None, what: str
) -> None:
    """Raise ConflictError unless the version follows the latest one."""
    known, digest = (latest.statement.version, latest.digest) if latest else (0, None)
    if version != known + 1 or previous != digest:
        raise ConflictError(
            "La version {version} ({what}) ne suit pas la version {known}, la dernière publiée : "
            "relisez-la, puis recommencez.",
            version=version,
            what=what,
            known=known,
        )


def require_unused(found: Sequence[object], message: str) -> None:
    """Raise ConflictError when something was found."""
    if found:
        raise ConflictError(message)


def not_found(message: str, **params: object) -> NotFoundError:
    """The error for things that do not exist, or not for this signer."""
    return NotFoundError(message, **params)
