"""Gathering cosignatures for a signed head, one witness after the other.

A witness that fails is passed over: whether enough of them signed is for the policy to say. What a
witness answers is verified before it is published, because one bad line of a known key would make
every reader refuse the whole note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, LogVerificationError, WitnessConflictError
from audit.note import Note, NoteSignature, parse_signatures
from audit.policy import LogPolicy
from audit.ports import Cosigner

ATTEMPTS: Final = 2
"""Per witness: once from the size that we believe, once from the size that its refusal named."""

ConsistencyProof = Callable[[int, int], Sequence[bytes]]
"""``prove(old, new)``: hashes, as ``merkle.consistency_proof``."""


@dataclass(frozen=True)
class Gathered:
    """The head with all cosignatures that hold, and what went wrong on the way."""

    note: Note
    failures: tuple[AuditError, ...]

    @property
    def overtaken(self) -> bool:
        """Whether a witness refused because another process advanced it meanwhile."""
        return any(isinstance(each, WitnessConflictError) for each in self.failures)

    @property
    def furthest(self) -> int:
        """The largest size that a refusing witness says it cosigned; 0 if none refused so."""
        conflicts = [each for each in self.failures if isinstance(each, WitnessConflictError)]
        return max((each.size for each in conflicts), default=0)


def gather(
    note: Note, cosigners: Sequence[Cosigner], policy: LogPolicy | None, prove: ConsistencyProof
) -> Gathered:
    """Ask every cosigner for its line over ``note``."""
    failures: list[AuditError] = []
    for cosigner in cosigners:
        try:
            answer = _ask(cosigner, note, prove)
            note = note.with_signatures(_accepted(note, answer, cosigner, policy))
        except AuditError as error:
            failures.append(error)
    return Gathered(note, tuple(failures))


def _ask(cosigner: Cosigner, note: Note, prove: ConsistencyProof) -> bytes:
    """The witness's answer, not yet verified; raises AuditError."""
    size = Checkpoint.parse(note.text).size
    old = cosigner.last_size()
    for attempt in range(1, ATTEMPTS + 1):
        if old > size:
            raise WitnessConflictError(
                "Le témoin « {name} » a déjà cosigné un journal plus long ({size} événements).",
                size=old,
                name=cosigner.name,
            )
        try:
            return cosigner.add_checkpoint(old, prove(old, size), note.to_bytes())
        except WitnessConflictError as error:
            if attempt == ATTEMPTS or error.size == old:
                raise
            old = error.size
    raise AssertionError  # the last attempt returns or raises


def _accepted(
    note: Note, answer: bytes, cosigner: Cosigner, policy: LogPolicy | None
) -> list[NoteSignature]:
    lines = parse_signatures(answer)
    if policy is None:
        # Before the first trust policy nobody has named the witness's key: its line is kept under
        # its own name only, so that it can never stand in for the log's.
        own = Checkpoint.parse(note.text).origin
        return [line for line in lines if line.name == cosigner.name != own]
    known = [witness.verifier for witness in policy.witnesses.witnesses]
    kept = [line for line in lines if any(line.is_by(key) for key in known)]
    if not kept:
        raise LogVerificationError(
            "Le témoin « {name} » a répondu sans signature d'une clé connue.", name=cosigner.name
        )
    Note(note.text, tuple(kept)).verify(known)
    return kept
