"""The errors of this package. No foreign exception (SQL driver, S3 client, OSError) leaves it."""

from __future__ import annotations

from audit.errors import AuditError, LogUnavailableError
from crypto.errors import ExplainedError
from exchange.usecases.errors import UnavailableError


class StorageError(ExplainedError):
    """Root of everything that ``storage`` raises, besides the errors that the ports name."""


class StorageUnavailableError(StorageError, UnavailableError):
    """The database or the object store cannot answer now: unreachable, full, or locked too long."""


class StorageConfigurationError(StorageError):
    """An address, a credential or a folder is not usable as configured."""


class SchemaVersionError(StorageError):
    """The database is of another schema version than this program."""


class TransactionOverError(StorageError):
    """A unit of work was used after its end: a fault of the caller, never of the data."""


class CorruptStorageError(StorageError):
    """What was read back is not what was written."""


class LogStoreUnavailableError(StorageError, LogUnavailableError):
    """The log's tables cannot be reached, or another process holds the integration for too long."""


class LogStoreRefusedError(StorageError, AuditError):
    """A step would have rewritten the log: an index, a tile or a signed size given before."""
