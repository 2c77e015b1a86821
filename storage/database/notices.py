"""Addresses that people gave, and what was sent to them: hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, SmallInteger, String, Table, delete, insert, select, update

from exchange.usecases.ports import Contact
from storage.database.metadata import Digest64, OpaqueId26, UtcInstant, metadata
from storage.database.transaction import Transaction

contacts = Table(
    "contacts",
    metadata,
    Column("person", OpaqueId26, primary_key=True),
    Column("address", String(254), nullable=False),
    Column("language", String(2), nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("key", Digest64, primary_key=True),
    Column("attempts", SmallInteger, nullable=False),
    Column("again_at", UtcInstant, nullable=True),
    Column("noted_at", UtcInstant, nullable=False, index=True),
)


class SqlContacts:
    """Implements ``usecases.ports.Contacts``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, contact: Contact) -> None:
        """Keep an address in the place of a former one."""
        self.remove(contact.person)
        self._transaction.change(
            insert(contacts).values(
                person=contact.person, address=contact.address, language=contact.language
            )
        )

    def get(self, person: str) -> Contact | None:
        """A person's address."""
        row = self._transaction.row(select(contacts).where(contacts.c.person == person))
        return None if row is None else Contact(row.person, row.address, row.language)

    def all(self) -> list[Contact]:
        """Everybody's, in no order that says anything."""
        rows = self._transaction.rows(select(contacts).order_by(contacts.c.person))
        return [Contact(row.person, row.address, row.language) for row in rows]

    def remove(self, person: str) -> None:
        """Forget an address."""
        self._transaction.change(delete(contacts).where(contacts.c.person == person))


class SqlNotices:
    """Implements ``usecases.ports.Notices``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def is_due(self, key: str, now: datetime) -> bool:
        """Never tried, or to be tried again by now."""
        row = self._transaction.row(select(notices).where(notices.c.key == key))
        return row is None or (row.again_at is not None and row.again_at <= now)

    def attempts(self, key: str) -> int:
        """How often it was tried."""
        row = self._transaction.row(select(notices).where(notices.c.key == key))
        return 0 if row is None else int(row.attempts)

    def note(self, key: str, *, attempts: int, again_at: datetime | None, now: datetime) -> None:
        """Remember an attempt; ``again_at`` None: no other follows."""
        values = {"attempts": attempts, "again_at": again_at, "noted_at": now}
        known = notices.c.key == key
        if not self._transaction.change(update(notices).where(known).values(values)):
            self._transaction.change(insert(notices).values(key=key, **values))

    def drop_before(self, moment: datetime) -> None:
        """Forget what was sent long ago."""
        self._transaction.change(delete(notices).where(notices.c.noted_at < moment))
