"""Answers already given, by person and key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, LargeBinary, SmallInteger, String, Table, delete, insert, select

from crypto.digests import Digest
from exchange.usecases.ports import StoredAnswer
from storage.database.metadata import Digest64, UtcInstant, metadata
from storage.database.transaction import Transaction

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request_sha256", Digest64, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UtcInstant, nullable=False, index=True),
)


class SqlIdempotency:
    """Implements ``usecases.ports.Idempotency``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, owner: str, key: str) -> StoredAnswer | None:
        """The answer once given."""
        row = self._transaction.row(
            select(idempotency).where(idempotency.c.owner == owner, idempotency.c.key == key)
        )
        if row is None:
            return None
        return StoredAnswer(Digest(row.request_sha256), row.status, bytes(row.body))

    def add(self, owner: str, key: str, answer: StoredAnswer, now: datetime) -> None:
        """Keep an answer; a second one under the same key raises ConcurrentChangeError."""
        self._transaction.change(
            insert(idempotency).values(
                owner=owner,
                key=key,
                request_sha256=answer.request_sha256,
                status=answer.status,
                body=answer.body,
                created_at=now,
            )
        )

    def drop_before(self, moment: datetime) -> None:
        """Forget answers older than ``moment``: no client retries after a day."""
        self._transaction.change(delete(idempotency).where(idempotency.c.created_at < moment))
