"""Idempotency keys: one request each, and the id of what that request makes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Table, delete, insert, select

from crypto.digests import Digest
from exchange.usecases.request_ports import Reservation
from storage.database.metadata import Digest64, OpaqueId26, UtcInstant, metadata
from storage.database.transaction import Transaction

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request_sha256", Digest64, nullable=False),
    Column("subject", OpaqueId26, nullable=False),
    Column("created_at", UtcInstant, nullable=False, index=True),
)


class SqlIdempotency:
    """Implements ``usecases.ports.Idempotency``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def reserve(self, owner: str, key: str, wanted: Reservation, now: datetime) -> Reservation:
        """The reservation under this key: the one made before, else ``wanted``."""
        row = self._transaction.row(
            select(idempotency).where(idempotency.c.owner == owner, idempotency.c.key == key)
        )
        if row is not None:
            return Reservation(Digest(row.request_sha256), row.subject)
        self._transaction.change(
            insert(idempotency).values(
                owner=owner,
                key=key,
                request_sha256=wanted.request_sha256,
                subject=wanted.subject,
                created_at=now,
            )
        )
        return wanted

    def drop_before(self, moment: datetime) -> None:
        """Forget the keys reserved before ``moment``."""
        self._transaction.change(delete(idempotency).where(idempotency.c.created_at < moment))
