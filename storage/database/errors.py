"""Where the SQL driver's exceptions end: each becomes an error of ours, with its cause kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,  # noqa: A004 - the pool's, under the name that SQLAlchemy gives it
)

from crypto.errors import ExplainedError
from exchange.usecases.errors import ConcurrentChangeError
from storage.errors import (
    LogStoreRefusedError,
    LogStoreUnavailableError,
    StorageError,
    StorageUnavailableError,
)


class Waited(TimeoutError):
    """Another thread of this process kept the turn to write for too long, or was interrupted while
    it wrote for this one, too.
    """


Translate = Callable[[SQLAlchemyError], ExplainedError]

_CONCURRENT_STATES: Final = frozenset({"40001", "40P01"})
"""PostgreSQL: serialization failure, deadlock. The transaction is gone; another try may succeed."""

_WAITING_STATES: Final = frozenset({"55P03", "57014", "25P03", "57P01", "57P02", "57P03", "53300"})
"""PostgreSQL: lock or statement time-out, idle transaction ended, shutdown, too many clients."""


def business_error(error: SQLAlchemyError) -> ExplainedError:
    """For units of work: what a use case may be told."""
    if isinstance(error, IntegrityError) or _state(error) in _CONCURRENT_STATES:
        return ConcurrentChangeError(
            "Une autre opération vient de changer la même chose. Recommencez."
        )
    if _is_unavailable(error):
        return StorageUnavailableError(
            "La base de données ne répond pas pour l'instant. Rien n'a été changé ; réessayez "
            "dans une minute."
        )
    return StorageError("La base de données a refusé une opération ; rien n'a été changé.")


def log_error(error: SQLAlchemyError) -> ExplainedError:
    """For the log store: what ``audit.log`` may be told."""
    if isinstance(error, IntegrityError):
        return LogStoreRefusedError("Le journal ne peut être que complété : écriture refusée.")
    return LogStoreUnavailableError(
        "Le journal d'audit n'est pas accessible pour l'instant. Réessayez dans une minute."
    )


def is_busy(error: OperationalError) -> bool:
    """Whether SQLite says that another connection holds the lock."""
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _is_unavailable(error: SQLAlchemyError) -> bool:
    if isinstance(error, OperationalError | InterfaceError | TimeoutError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or _state(error) in _WAITING_STATES
    )


def _state(error: SQLAlchemyError) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)
