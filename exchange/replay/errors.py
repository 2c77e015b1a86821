"""The errors of this package. What is wrong *with the history* is a finding, never an error."""

from __future__ import annotations

from crypto.errors import ExplainedError


class BundleError(ExplainedError):
    """The bundle cannot be read at all: no such file, no archive, not a bundle."""
