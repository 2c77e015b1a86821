"""The errors of this package."""

from __future__ import annotations

from typing import ClassVar

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


class NotInLogError(AuditError):
    """No such entry or tile under the published checkpoint (an HTTP server answers 404)."""


class DisclosureErasedError(NotInLogError):
    """The entry is in the log; its details and opening were erased when their time was over."""


class WitnessError(AuditError):
    """A witness refuses to cosign. ``STATUS`` is the HTTP status of C2SP tlog-witness."""

    STATUS: ClassVar[int] = 400


class WitnessForbiddenError(WitnessError):
    """No key that the witness trusts signed the checkpoint, or its line does not verify."""

    STATUS = 403


class WitnessUnknownLogError(WitnessError):
    """The witness does not know this origin."""

    STATUS = 404


class WitnessConflictError(WitnessError):
    """The proof starts at another size than the one that the witness last cosigned."""

    STATUS = 409

    def __init__(self, message: str, /, *, size: int, **params: object) -> None:
        super().__init__(message, size=size, **params)
        self.size = size
        """The size that the witness last cosigned."""


class WitnessProofError(WitnessError):
    """The checkpoint contradicts the last one: the submitted note is evidence, keep it."""

    STATUS = 422
