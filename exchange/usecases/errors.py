"""The errors of the use cases. ``code`` is stable: the HTTP interface and clients rely on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from audit.errors import AuditError, LogUnavailableError
from crypto.errors import BadSignatureError, CryptoError, ExplainedError, UntrustedError
from exchange.domain.errors import DomainError
from exchange.domain.refusals import MESSAGES, RefusalReason


class UseCaseError(ExplainedError):
    """Root of everything that ``exchange.usecases`` raises."""

    code: ClassVar[str] = "error"


class NotFoundError(UseCaseError):
    """The thing does not exist, or not for this caller: the two are never told apart."""

    code = "not-found"


class NotAllowedError(UseCaseError):
    """The caller, or the signer, may not do this."""

    code = "not-allowed"


class ConflictError(UseCaseError):
    """The request was right for a state that is no longer the present one."""

    code = "conflict"


class InvalidRequestError(UseCaseError):
    """The request cannot be right, whatever the state."""

    code = "invalid-request"


class ExpiredError(UseCaseError):
    """The request came too late, or carries a time too far from the present."""

    code = "expired"


class TooManyError(UseCaseError):
    """A limit against flooding was reached; the same request may succeed later."""

    code = "too-many"


class UnavailableError(UseCaseError):
    """The broker or the log cannot be reached now; the same request may be repeated."""

    code = "unavailable"


class RefusedError(UseCaseError):
    """The policy refuses a release."""

    code = "refused"

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(MESSAGES[reason])
        self.reason = reason


# --- raised by what implements the ports -------------------------------------------------------


class BrokerRefusalError(UseCaseError):
    """The key custodian said no; the message says why."""

    code = "broker-refused"


class BrokerUnavailableError(UnavailableError):
    """The key custodian could not be reached, or is locked."""

    code = "broker-unavailable"


class ObjectConflictError(ConflictError):
    """Another content is already kept under this number or name, or the digest does not match."""

    code = "object-conflict"


class ObjectMissingError(NotFoundError):
    """No object has this name."""

    code = "object-missing"


class ConcurrentChangeError(ConflictError):
    """Someone else changed the same thing first."""

    code = "concurrent-change"


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of the packages below into those of this one; the message stays."""
    try:
        yield
    except (BadSignatureError, UntrustedError) as error:
        raise NotAllowedError(error.message, **error.params) from error
    except CryptoError as error:
        raise InvalidRequestError(error.message, **error.params) from error
    except LogUnavailableError as error:
        raise UnavailableError(error.message, **error.params) from error
    except AuditError as error:
        raise InvalidRequestError(error.message, **error.params) from error
    except DomainError as error:
        raise InvalidRequestError(error.message, **error.params) from error
