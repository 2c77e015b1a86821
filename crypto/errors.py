"""The errors of this package, and the shape that every package's errors share.

An error message is written once, in French, as a template; the command line and the pages
translate the template (gettext) and then fill it in. So the core needs no translation machinery,
and a message can be found by its text.
"""

from __future__ import annotations


class ExplainedError(Exception):
    """An error that a person can act on: what happened, why, what to do next.

    ``message`` is a French ``str.format`` template, ``params`` its values. A parameter never holds
    a secret or anything of a dossier's content: messages reach screens and logs.
    """

    def __init__(self, message: str, /, **params: object) -> None:
        super().__init__(message)
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return self.message.format(**self.params)


class CryptoError(ExplainedError):
    """Root of everything that ``crypto`` raises."""


class MalformedError(CryptoError):
    """The bytes are not of the format, or not in its one canonical form."""


class BadSignatureError(CryptoError):
    """A signature does not verify, or too few signers of a threshold did."""


class NotForThisKeyError(CryptoError):
    """No stanza of the header is for this identity: another key may still open it."""


class BrokenCiphertextError(CryptoError):
    """The ciphertext is for this key, and was altered or cut: no other key will help."""


class UntrustedError(CryptoError):
    """A trust policy, certificate or key does not end in the pinned root, or no longer counts."""
