"""Receipts: what a client keeps to show that its act was recorded (``.tlog-proof`` files).

The ``extra`` line holds details and opening. The format does not authenticate that line, and need
not: the leaf is computed *from* it, and the path binds the leaf to the signed root.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from audit.entries import OPENING_BYTES, leaf_of
from audit.errors import LogFormatError
from audit.events import EventDetails
from audit.merkle import leaf_hash, verify_inclusion
from audit.policy import LogPolicy, VerifiedCheckpoint
from audit.ports import Disclosure
from audit.proof import MAX_EXTRA_BYTES, LogProof
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError
from crypto.statements.model import Strict, load_strict_json

_MADE_HERE: Final = object()


class _Extra(Strict):
    details: str
    opening: str


@dataclass(frozen=True)
class VerifiedReceipt:
    """An event that is in the log under a checkpoint that counts. Only this module makes one."""

    index: int
    details: EventDetails
    checkpoint: VerifiedCheckpoint
    _maker: object

    def __post_init__(self) -> None:
        if self._maker is not _MADE_HERE:
            raise TypeError("only audit.receipts makes a VerifiedReceipt")


def build_receipt(disclosure: Disclosure, path: Sequence[bytes], note: bytes) -> bytes:
    """The receipt of one event: inclusion ``path`` under the published ``note``."""
    extra = json.dumps(
        {
            "details": encode_base64(disclosure.details),
            "opening": encode_base64(disclosure.opening),
        },
        separators=(",", ":"),
    )
    return LogProof(disclosure.index, tuple(path), note, extra.encode()).to_bytes()


def disclosed_by(data: bytes) -> Disclosure:
    """What a receipt says, *unverified*; raises LogFormatError."""
    return _disclosed(LogProof.parse(data))


def _disclosed(proof: LogProof) -> Disclosure:
    if proof.extra is None:
        raise LogFormatError("Ce récépissé ne contient pas le détail de l'événement.")
    try:
        extra = _Extra.model_validate(load_strict_json(proof.extra, limit=MAX_EXTRA_BYTES))
        details, opening = decode_base64(extra.details), decode_base64(extra.opening)
    except (ValidationError, MalformedError) as error:
        raise LogFormatError("Le détail joint à ce récépissé n'est pas lisible.") from error
    if len(opening) != OPENING_BYTES:
        raise LogFormatError("L'ouverture d'un événement fait exactement 32 octets.")
    return Disclosure(proof.index, details, opening)


def verify_receipt(data: bytes, policy: LogPolicy) -> VerifiedReceipt:
    """Verify checkpoint, quorum, inclusion and commitment (tlog-proof, "Verifying").

    Raises LogVerificationError, or LogFormatError. Whoever keeps earlier checkpoints also checks
    consistency with the last of them: a receipt alone does not show that the log was not forked.
    """
    proof = LogProof.parse(data)
    disclosure = _disclosed(proof)
    verified = policy.verify_checkpoint(proof.note)
    leaf, details = leaf_of(disclosure, policy.origin)
    head = verified.checkpoint
    verify_inclusion(leaf_hash(leaf), proof.index, head.size, proof.path, head.root)
    return VerifiedReceipt(proof.index, details, verified, _MADE_HERE)
