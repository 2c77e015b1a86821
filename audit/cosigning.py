"""Gathering cosignatures for a signed head, from all witnesses at the same time.

Nobody waits long for a witness that the policy can do without: gathering ends a moment after the
policy is met, and at the latest after :data:`GATHERING_SECONDS`. A witness that fails is passed
over: whether enough of them signed is for the policy to say. What a witness answers is verified
before it is published, because one bad line of a known key would make every reader refuse the note.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import (
    AuditError,
    LogUnavailableError,
    LogVerificationError,
    WitnessConflictError,
)
from audit.note import Note, NoteSignature, parse_signatures
from audit.policy import LogPolicy
from audit.ports import Cosigner

ATTEMPTS: Final = 2
"""Per witness: once from the size that we believe, once from the size that its refusal named."""

GATHERING_SECONDS: Final = 2.0
"""Twice what a witness on another continent needs; a request waits no longer for it."""

GRACE_SECONDS: Final = 0.25
"""How long the others are waited for once the policy is met: a further cosignature is worth a
moment, and no more."""

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
    if len(cosigners) <= 1:
        return _collected(note, [(each, _now(each, note, prove)) for each in cosigners], policy)
    pool = ThreadPoolExecutor(len(cosigners), "dossier-witness")
    try:
        asked = {pool.submit(_ask, each, note, prove): each for each in cosigners}
        return _as_they_come(note, asked, policy)
    finally:
        # A slow witness may still answer: its thread ends by the transport's own time limit.
        pool.shutdown(wait=False, cancel_futures=True)


def _as_they_come(
    note: Note, asked: dict[Future[bytes], Cosigner], policy: LogPolicy | None
) -> Gathered:
    deadline, pending = time.monotonic() + GATHERING_SECONDS, set(asked)
    while pending and (left := deadline - time.monotonic()) > 0:
        done, pending = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
        answers = [(asked[each], each) for each in asked if each not in pending]
        if done and policy is not None and _is_met(note, answers, policy):
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
    gathered = _collected(note, [(asked[each], each) for each in asked if each.done()], policy)
    late = tuple(
        LogUnavailableError("Le témoin « {name} » n'a pas répondu à temps.", name=asked[each].name)
        for each in asked
        if not each.done()
    )
    return Gathered(gathered.note, (*gathered.failures, *late))


def _collected(
    note: Note, answers: Sequence[tuple[Cosigner, Future[bytes]]], policy: LogPolicy | None
) -> Gathered:
    failures: list[AuditError] = []
    for cosigner, future in answers:
        try:
            note = note.with_signatures(_accepted(note, future.result(), cosigner, policy))
        except AuditError as error:
            failures.append(error)
    return Gathered(note, tuple(failures))


def _now(cosigner: Cosigner, note: Note, prove: ConsistencyProof) -> Future[bytes]:
    """Ask in this thread: a lone witness needs no other."""
    done: Future[bytes] = Future()
    try:
        done.set_result(_ask(cosigner, note, prove))
    except AuditError as error:
        done.set_exception(error)
    return done


def _is_met(
    note: Note, answers: Sequence[tuple[Cosigner, Future[bytes]]], policy: LogPolicy
) -> bool:
    """Whether the new answers alone suffice: older cosignatures are being renewed."""
    by_log = tuple(each for each in note.signatures if any(map(each.is_by, policy.log_keys)))
    fresh = _collected(Note(note.text, by_log), answers, policy).note
    try:
        policy.verify_checkpoint(fresh.to_bytes())
    except LogVerificationError:
        return False
    return True


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
