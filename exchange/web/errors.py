"""What the web layer itself refuses, before any use case is asked."""

from __future__ import annotations

from typing import ClassVar

from crypto.errors import ExplainedError


class WebError(ExplainedError):
    """Root of what this package raises. ``code`` ends the problem's stable ``type``."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid-request"


class MalformedRequestError(WebError):
    """The request is not of the form that the route declares."""


class IncompleteBodyError(WebError):
    """The connection ended before the announced length."""

    code = "incomplete-body"


class LoginRequiredError(WebError):
    """No login, or one that ended: idle, too old, or its certificate no longer counts."""

    status = 401
    code = "login-required"


class ForeignOriginError(WebError):
    """An unsafe request that does not say that it comes from this service's own origin."""

    status = 403
    code = "foreign-origin"


class UndeclaredRouteError(WebError):
    """A view that does not say what it records: refused, never served unrecorded."""

    status = 403
    code = "not-allowed"


class LengthRequiredError(WebError):
    """A body without Content-Length cannot be told from a truncated one."""

    status = 411
    code = "length-required"


class BodyTooLargeError(WebError):
    """More octets than the route takes."""

    status = 413
    code = "too-large"


class UnsupportedTypeError(WebError):
    """Another media type than the route takes."""

    status = 415
    code = "unsupported-type"


class RangeError(WebError):
    """The range begins after the end."""

    status = 416
    code = "range-not-satisfiable"

    def __init__(self, total: int) -> None:
        super().__init__(
            "La partie demandée est hors du contenu, qui compte {total} octets.", total=total
        )
        self.total = total


class IdempotencyConflictError(WebError):
    """The same key came with another request."""

    status = 422
    code = "idempotency-mismatch"


class TooManyRequestsError(WebError):
    """More anonymous requests from one place than people make."""

    status = 429
    code = "too-many-requests"
