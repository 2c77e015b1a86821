"""What can be wrong with an age file, as finely as the public test vectors tell it apart."""

from __future__ import annotations

from crypto.errors import BrokenCiphertextError, MalformedError


class HeaderError(MalformedError):
    """The header, or a stanza meant for our kind of key, is not of the format."""


class ArmorError(MalformedError):
    """The text armor around the file is not of the format."""


class HeaderMacError(BrokenCiphertextError):
    """The file key opens, but the header was altered afterwards."""


class PayloadError(BrokenCiphertextError):
    """The payload was altered, cut, lengthened or reordered, or belongs to another header."""
