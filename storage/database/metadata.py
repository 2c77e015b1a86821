"""The one ``MetaData``, its naming rule, and the column types that all tables share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, String
from sqlalchemy.types import TypeDecorator

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name of ours, so that a later migration can find it on both engines."""

DIGEST_CHARS: Final = 64
"""A SHA-256 in hexadecimal."""

ID_CHARS: Final = 26
"""A 128-bit id in base32."""

metadata = MetaData(naming_convention=NAMING)

Digest64 = String(DIGEST_CHARS)
OpaqueId26 = String(ID_CHARS)

Ticket = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER; its integers are 64-bit anyway."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UtcInstant(TypeDecorator[datetime]):
    """An instant as microseconds since 1970, UTC: SQLite has no date type, and text dates with and
    without a zone do not compare. A date without its zone is refused before it is written.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds of an aware datetime."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored instant needs its zone")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The aware datetime, in UTC."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=int(value))
