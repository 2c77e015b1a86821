"""The errors of the client. The command line turns each kind into one exit status."""

from __future__ import annotations

from crypto.errors import ExplainedError


class ClientError(ExplainedError):
    """Root of everything that ``exchange.client`` raises."""


class TransportError(ClientError):
    """A service cannot be reached, or does not answer as a service of this kind."""


class InterruptedDepositError(TransportError):
    """The way to the service broke while a deposit was sent; what was sealed can be sent again."""


class InterruptedDownloadError(TransportError):
    """The way to the service broke while a pack was fetched; what arrived is kept."""


class ServerRefusedError(ClientError):
    """The server answered and said no. ``code`` is stable, ``status`` the HTTP status."""

    def __init__(self, message: str, /, *, code: str, status: int, **params: object) -> None:
        super().__init__(message, code=code, status=status, **params)
        self.code = code
        self.status = status


class NotTrustworthyError(ClientError):
    """What the server sent does not verify: it is not used, and nothing was written."""


class ProfileError(ClientError):
    """The profile directory lacks something, or holds something else than expected."""


class NotPossibleError(ClientError):
    """What was asked does not fit the state of things (closed sitting, no declaration, …)."""


class UnsafeFileError(ClientError):
    """A file cannot be read or written here without risk."""
