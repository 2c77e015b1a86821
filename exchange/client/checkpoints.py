"""The last checkpoint that this profile accepted: whatever comes later must grow out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from audit.checkpoint import Checkpoint
from audit.errors import InconsistentLogError, LogVerificationError
from audit.merkle import verify_consistency
from audit.policy import VerifiedCheckpoint
from crypto.digests import sha256
from exchange.client.profile import Profile

FILE: Final = "checkpoint"
"""The note itself, so that any C2SP tool reads it."""


class ConsistencySource(Protocol):
    """Where consistency proofs come from."""

    def consistency(self, older: int, newer: int) -> Sequence[bytes]:
        """The RFC 6962 proof between two sizes."""


class CheckpointKeeper:
    """Accepts checkpoints for one profile, one batch at a time.

    ``begin`` before a request, ``accept`` with what came: an answer may be under the checkpoint that
    was last accepted when the request left, or a newer one. Another command of the same profile may
    accept newer ones meanwhile; then what came is older than the last, and must be its prefix.
    """

    def __init__(self, profile: Profile, source: ConsistencySource) -> None:
        self._profile = profile
        self._source = source
        self._floor = 0

    def last(self) -> bytes | None:
        """The note last accepted."""
        return self._profile.read(FILE)

    def begin(self) -> None:
        """Mark what is already known: no answer to a later request may be older."""
        note = self.last()
        self._floor = Checkpoint.of_note(note).size if note else 0

    def begin_with_file(self) -> None:
        """What comes next lay in a file and is no answer: older is right, but a prefix it must be."""
        self._floor = 0

    def accept(self, checkpoints: Iterable[VerifiedCheckpoint], now: datetime) -> None:
        """Accept each, or raise InconsistentLogError and keep both notes as evidence."""
        distinct = {(each.checkpoint.size, each.checkpoint.root): each for each in checkpoints}
        with self._profile.locked():
            for each in sorted(distinct.values(), key=lambda verified: verified.checkpoint.size):
                self._accept_one(each, now)

    def _accept_one(self, new: VerifiedCheckpoint, now: datetime) -> None:
        note = self.last()
        if note is None:
            self._profile.write(new.note, FILE)
            return
        old = Checkpoint.of_note(note)
        if new.checkpoint.size < self._floor or new.checkpoint.origin != old.origin:
            raise self._contradiction(note, new.note, now)
        first, second = sorted((old, new.checkpoint), key=lambda checkpoint: checkpoint.size)
        if first.size == second.size:
            if first.root != second.root:
                raise self._contradiction(note, new.note, now)
            return
        proof = self._source.consistency(first.size, second.size)
        try:
            verify_consistency(first.size, second.size, first.root, second.root, proof)
        except LogVerificationError as error:
            raise self._contradiction(note, new.note, now) from error
        if new.checkpoint.size > old.size:
            self._profile.write(new.note, FILE)

    def _contradiction(self, older: bytes, newer: bytes, now: datetime) -> InconsistentLogError:
        name = f"{now:%Y%m%dT%H%M%SZ}-{sha256(newer)[:8]}"
        folder = self._profile.keep_evidence(name, older, newer)
        return InconsistentLogError(
            "Le journal montré aujourd'hui contredit celui que ce profil a déjà vu : il a été réécrit, "
            "ramené en arrière, ou deux histoires différentes sont montrées. Rien n'a été utilisé. Les "
            "deux points de contrôle signés sont gardés dans « {folder} » : transmettez-les au "
            "vérificateur de la préfecture, et ne déposez ni ne retirez rien d'ici là.",
            folder=folder,
            older=older,
            newer=newer,
        )
