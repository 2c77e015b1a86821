"""The files of a bundle, wherever they lie (``usecases.bundle_layout`` says which there are)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from exchange.usecases.bundle_layout import LOG_PREFIX


class Bundle(Protocol):
    """Files by path, wherever they lie. Paths use ``/`` and never leave the bundle."""

    def paths(self) -> Iterable[str]:
        """Every file."""

    def read(self, path: str) -> bytes | None:
        """A file's content; None when there is no such file."""


class BundledLog:
    """The log of a bundle: an ``audit.verify.LogReader``."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def read(self, path: str) -> bytes | None:
        return self._bundle.read(LOG_PREFIX + path)
