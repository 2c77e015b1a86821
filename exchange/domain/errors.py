"""The errors of the domain. Same shape as the other packages': French template and its values."""

from __future__ import annotations


class DomainError(Exception):
    """Root of everything that the domain raises.

    ``message`` is a French ``str.format`` template (the msgid of the catalogue), ``params`` its
    values; none of them is ever a name or anything of a dossier's content.
    """

    def __init__(self, message: str, /, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message.format(**self.params)


class LifecycleError(DomainError):
    """The event cannot happen to a thing in its present state."""


class RuleError(DomainError):
    """A roster, sitting or agenda breaks a rule of the law or of the commission."""
