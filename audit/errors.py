"""The errors of this package."""

from __future__ import annotations

from crypto.errors import ExplainedError


class AuditError(ExplainedError):
    """Root of everything that ``audit`` raises."""


class LogFormatError(AuditError):
    """Bytes that claim to be a checkpoint, tile, proof or entry, and are not in canonical form."""


class LogVerificationError(AuditError):
    """A signature, a proof, a commitment or a quorum does not hold."""


class InconsistentLogError(LogVerificationError):
    """Two checkpoints contradict each other: the log was forked or rolled back.

    ``params`` holds ``older`` and ``newer``, the two checkpoints: they are evidence, keep them.
    """


class LogUnavailableError(AuditError):
    """The log cannot be extended or published now (lock, storage, missing quorum)."""
