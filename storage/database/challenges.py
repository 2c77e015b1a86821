"""Login nonces, each good once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, delete, insert

from storage.database.metadata import UtcInstant, metadata
from storage.database.transaction import Transaction

challenges = Table(
    "challenges",
    metadata,
    Column("nonce", LargeBinary, primary_key=True),
    Column("expires_at", UtcInstant, nullable=False, index=True),
)


class SqlChallenges:
    """Implements ``usecases.ports.Challenges``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, nonce: bytes, expires_at: datetime) -> None:
        """Keep a fresh nonce."""
        self._transaction.change(insert(challenges).values(nonce=nonce, expires_at=expires_at))

    def take(self, nonce: bytes) -> datetime | None:
        """Remove a nonce and return its expiry: found and gone in one statement, so that of two
        logins with one nonce, one gets nothing.
        """
        taken = delete(challenges).where(challenges.c.nonce == nonce)
        row = self._transaction.row(taken.returning(challenges.c.expires_at))
        return None if row is None else row.expires_at

    def drop_expired(self, now: datetime) -> None:
        """Forget nonces whose time is over."""
        self._transaction.change(delete(challenges).where(challenges.c.expires_at <= now))
