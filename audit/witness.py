"""The decision of a witness (C2SP tlog-witness v1.0.0, ``add-checkpoint``), without any I/O.

The caller reads the last state, calls :func:`cosign` and *persists the new state before it lets the
lines out*, all under one lock: else two requests at once roll the witness back (the race that the
specification describes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.checkpoint import Checkpoint, parse_decimal
from audit.errors import (
    LogFormatError,
    LogVerificationError,
    WitnessConflictError,
    WitnessError,
    WitnessForbiddenError,
    WitnessProofError,
    WitnessUnknownLogError,
)
from audit.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from audit.note import Note, NoteSigner, NoteVerifier
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError

MAX_WITNESS_PROOF: Final = 63
"""Proof lines that a request may have (tlog-witness)."""


@dataclass(frozen=True)
class WitnessState:
    """The latest checkpoint that a witness cosigned for one origin."""

    size: int
    root: bytes


@dataclass(frozen=True)
class AddCheckpoint:
    """The body of ``POST add-checkpoint``. ``note`` is not verified."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def to_bytes(self) -> bytes:
        """The request body."""
        lines = [f"old {self.old_size}", *(encode_base64(each) for each in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a request body; raises WitnessError (400)."""
        head, separator, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            proof = tuple(decode_base64(line) for line in lines)
            old_size = parse_decimal(first.removeprefix("old "))
        except (UnicodeDecodeError, MalformedError, LogFormatError) as error:
            raise WitnessError("Cette demande de cosignature n'est pas lisible.") from error
        well_formed = separator and first.startswith("old ") and len(proof) <= MAX_WITNESS_PROOF
        if not well_formed or any(len(each) != HASH_BYTES for each in proof):
            raise WitnessError("Cette demande de cosignature n'est pas conforme.")
        return cls(old_size, proof, note)


def cosign(  # the request, then what the witness knows
    old_size: int,
    proof: Sequence[bytes],
    note: bytes,
    log_keys: Sequence[NoteVerifier],
    last: WitnessState | None,
    signer: NoteSigner,
    now: datetime,
) -> tuple[bytes, WitnessState]:
    """The cosignature line for ``note``, and the state to persist before sending it.

    ``log_keys`` are the keys of one log; ``last`` is None for a log never cosigned. Checks come in
    the order of the specification. Raises a WitnessError whose ``STATUS`` is the HTTP answer.
    """
    parsed, checkpoint = _authenticated(note, log_keys)
    if old_size > checkpoint.size:
        raise WitnessError("La preuve part d'une taille plus grande que celle du journal présenté.")
    known = last or WitnessState(0, EMPTY_ROOT)
    if old_size != known.size:
        raise WitnessConflictError(
            "Ce témoin a cosigné en dernier le journal de {size} événements : la preuve doit "
            "partir de là.",
            size=known.size,
        )
    try:
        verify_consistency(known.size, checkpoint.size, known.root, checkpoint.root, proof)
    except LogVerificationError as error:
        raise WitnessProofError(
            "Le journal présenté contredit celui que ce témoin a déjà cosigné ({size} "
            "événements) : il n'est pas cosigné, et il est gardé comme preuve.",
            size=known.size,
        ) from error
    line = signer.cosign(parsed.text, int(now.timestamp())).to_line()
    return line.encode(), WitnessState(checkpoint.size, checkpoint.root)


def _authenticated(note: bytes, log_keys: Sequence[NoteVerifier]) -> tuple[Note, Checkpoint]:
    try:
        parsed = Note.parse(note)
        origin = parsed.text.split(b"\n", 1)[0].decode()
    except LogFormatError as error:
        raise WitnessError("Ce point de contrôle n'est pas lisible.") from error
    if origin not in {key.name for key in log_keys}:
        raise WitnessUnknownLogError("Ce témoin ne connaît pas le journal présenté.")
    try:
        parsed.verify(log_keys)
    except LogVerificationError as error:
        raise WitnessForbiddenError(
            "Aucune clé de confiance n'a signé le journal présenté."
        ) from error
    try:
        return parsed, Checkpoint.parse(parsed.text)
    except LogFormatError as error:
        # The one text that a log's key may sign and that is no checkpoint of a tree: size 0 with
        # a root (422 by the specification). All others are malformed (400).
        if parsed.text.split(b"\n")[1:2] == [b"0"]:
            raise WitnessProofError("Un journal vide n'a qu'une racine possible.") from error
        raise WitnessError("Ce point de contrôle n'est pas conforme.") from error
