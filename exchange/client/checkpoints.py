"""The last checkpoint that this profile accepted: whatever comes later must grow out of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from audit.checkpoint import Checkpoint
from audit.errors import InconsistentLogError, LogVerificationError
from audit.merkle import verify_consistency
from audit.policy import VerifiedCheckpoint
from crypto.digests import Digest, sha256
from exchange.client.profile import Profile

FILE: Final = "checkpoint"
"""The note itself, so that any C2SP tool reads it."""

RECOVERIES: Final = "recoveries"
"""Digests of the recoveries by which this profile stepped back, one a line: each is good once, or whoever
holds an old one could take the log back again and again."""


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
        self._permits: dict[Digest, Checkpoint] = {}
        self.stepped_back = False
        """Whether a recovery made this profile leave a longer log."""

    def permit(self, recovery: Digest, checkpoint: Checkpoint) -> None:
        """A verified recovery: a log that grows out of ``checkpoint`` may contradict what was seen."""
        self._permits[recovery] = checkpoint

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
        try:
            self._require_growth(note, new)
        except LogVerificationError as error:
            if self._goes_on_from_a_recovery(note, new, now):
                return
            raise self._contradiction(note, new.note, now) from error
        if new.checkpoint.size > Checkpoint.of_note(note).size:
            self._profile.write(new.note, FILE)

    def _require_growth(self, note: bytes, new: VerifiedCheckpoint) -> None:
        """Raise LogVerificationError unless one of the two trees begins with the other."""
        old = Checkpoint.of_note(note)
        if new.checkpoint.size < self._floor or new.checkpoint.origin != old.origin:
            raise LogVerificationError("Ce journal est plus court que celui déjà vu, ou un autre.")
        self._require_prefix(*sorted((old, new.checkpoint), key=lambda each: each.size))

    def _require_prefix(self, first: Checkpoint, second: Checkpoint) -> None:
        same = first.size == second.size
        proof = () if same else self._source.consistency(first.size, second.size)
        verify_consistency(first.size, second.size, first.root, second.root, proof)

    def _goes_on_from_a_recovery(self, note: bytes, new: VerifiedCheckpoint, now: datetime) -> bool:
        """Step back to ``new`` if it grew out of what a recovery, not used before, permits.

        What was seen is kept as evidence, like every contradiction.
        """
        old = Checkpoint.of_note(note)
        used = (self._profile.read(RECOVERIES) or b"").decode().split()
        for digest, checkpoint in self._permits.items():
            if (
                digest in used
                or {checkpoint.origin, old.origin} != {new.checkpoint.origin}
                or not checkpoint.size <= min(old.size, new.checkpoint.size)
            ):
                continue
            try:
                self._require_prefix(checkpoint, new.checkpoint)
            except LogVerificationError:
                continue
            self._keep(note, new.note, now)
            self._profile.write(
                "".join(f"{each}\n" for each in (*used, digest)).encode(), RECOVERIES
            )
            self._profile.write(new.note, FILE)
            self._floor, self.stepped_back = checkpoint.size, True
            return True
        return False

    def _keep(self, older: bytes, newer: bytes, now: datetime) -> Path:
        return self._profile.keep_evidence(
            f"{now:%Y%m%dT%H%M%SZ}-{sha256(newer)[:8]}", older, newer
        )

    def _contradiction(self, older: bytes, newer: bytes, now: datetime) -> InconsistentLogError:
        folder = self._keep(older, newer, now)
        return InconsistentLogError(
            "Le journal montré aujourd'hui contredit celui que ce profil a déjà vu : il a été réécrit, "
            "ramené en arrière, ou deux histoires différentes sont montrées. Rien n'a été utilisé. Les "
            "deux points de contrôle signés sont gardés dans « {folder} » : transmettez-les au "
            "vérificateur de la préfecture, et ne déposez ni ne retirez rien d'ici là.",
            folder=folder,
            older=older,
            newer=newer,
        )
