"""A witness's directory: its key, the logs it knows, and the last head that it cosigned of each.

witness.key            the cosigner's private key (a note key line)
witness.vkey           its public half, for trust policies
logs                   one log verifier key a line; ``#`` begins a comment
heads/<hex>.json       the last cosigned checkpoint of the log whose origin hashes to <hex>
evidence/<hex>.note    signed checkpoints that contradict a head: proof that a log forked
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from audit.errors import LogFormatError, WitnessProofError
from audit.note import KeyType, NoteSigner, NoteVerifier
from audit.witness import AddCheckpoint, WitnessState, cosign
from crypto.digests import sha256
from crypto.errors import ExplainedError
from crypto.keys import Entropy, ServiceSigningSeed
from storage.files import PRIVATE_FILE, make_folder, replace_file

MAX_EVIDENCE_FILES: Final = 100
"""Enough to show a fork; a log that insists cannot fill the disk."""


class WitnessStoreError(ExplainedError):
    """The witness's directory cannot be used."""


class WitnessStore:
    """All that a witness keeps. One lock over reading, deciding and writing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._logs = _read_logs(directory / "logs")
        self._signer = _read_signer(directory / "witness.key")

    @property
    def name(self) -> str:
        """The witness's key name."""
        return self._signer.name

    @classmethod
    def create(
        cls, directory: Path, name: str, logs: Sequence[NoteVerifier], entropy: Entropy
    ) -> WitnessStore:
        """Make a witness in a directory that holds none; raises WitnessStoreError."""
        if (directory / "witness.key").exists():
            raise WitnessStoreError(
                "« {path} » contient déjà un témoin : sa clé n'est jamais remplacée. Choisissez un "
                "autre répertoire.",
                path=directory,
            )
        try:
            signer = NoteSigner(name, ServiceSigningSeed.generate(entropy), KeyType.COSIGNATURE_V1)
        except LogFormatError as error:
            raise WitnessStoreError(
                "« {name} » ne peut pas nommer un témoin : {reason}", name=name, reason=error
            ) from error
        make_folder(directory)
        replace_file(directory / "logs", "".join(f"{each}\n" for each in logs).encode())
        replace_file(directory / "witness.vkey", f"{signer.verifier}\n".encode())
        replace_file(directory / "witness.key", f"{signer.reveal()}\n".encode())
        return cls(directory)

    @property
    def vkey(self) -> str:
        """The verifier key, as a ``witness`` line of a trust policy names it."""
        return str(self._signer.verifier)

    def add_checkpoint(self, body: bytes, now: datetime) -> bytes:
        """The cosignature line for a request; raises a WitnessError.

        Check and durable state are one step (tlog-witness: "MUST persist before responding"): of two
        requests at once, the second sees what the first left.
        """
        request = AddCheckpoint.parse(body)
        with self._locked():
            path, last = self._last(request.note)
            try:
                line, state = cosign(
                    request.old_size,
                    request.proof,
                    request.note,
                    self._logs,
                    last,
                    self._signer,
                    now,
                )
            except WitnessProofError:
                self._keep_evidence(request.note)
                raise
            document = {
                "size": state.size,
                "root": state.root.hex(),
                "note": request.note.decode(),
                "line": line.decode(),
            }
            replace_file(path, json.dumps(document).encode())
            return line

    def last_cosigned(self, origin_sha256: str) -> bytes | None:
        """The last checkpoint cosigned of a log, with this witness's line; None for an unknown one."""
        known = {sha256(each.name.encode()) for each in self._logs}
        path = self._directory / "heads" / f"{origin_sha256}.json"
        if origin_sha256 not in known or not path.exists():
            return None
        kept = json.loads(path.read_bytes())
        return f"{kept['note']}{kept['line']}".encode()

    def _last(self, note: bytes) -> tuple[Path, WitnessState | None]:
        origin = note.split(b"\n", 1)[0]
        path = self._directory / "heads" / f"{sha256(origin)}.json"
        if not path.exists():
            return path, None
        kept = json.loads(path.read_bytes())
        return path, WitnessState(int(kept["size"]), bytes.fromhex(kept["root"]))

    def _keep_evidence(self, note: bytes) -> None:
        folder = self._directory / "evidence"
        make_folder(folder)
        if len(list(folder.iterdir())) < MAX_EVIDENCE_FILES:
            replace_file(folder / f"{sha256(note)}.note", note)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._directory / "heads")
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def read_log_key(text: str) -> NoteVerifier:
    """One log verifier key; raises WitnessStoreError."""
    try:
        verifier = NoteVerifier.parse(text.strip())
    except LogFormatError as error:
        raise WitnessStoreError("« {line} » n'est pas une clé de journal.", line=text) from error
    if verifier.type is not KeyType.ED25519:
        raise WitnessStoreError("« {line} » n'est pas une clé de journal.", line=text)
    return verifier


def _read_logs(path: Path) -> tuple[NoteVerifier, ...]:
    lines = _read(path).decode("utf-8").splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not wanted:
        raise WitnessStoreError(
            "« {path} » ne nomme aucun journal : un témoin sans journal ne cosigne rien.", path=path
        )
    return tuple(read_log_key(line) for line in wanted)


def _read_signer(path: Path) -> NoteSigner:
    try:
        return NoteSigner.parse(_read(path).decode("ascii").strip())
    except (UnicodeDecodeError, LogFormatError) as error:
        raise WitnessStoreError(
            "La clé du témoin « {path} » n'est plus lisible : restaurez-la, ou créez un autre "
            "témoin.",
            path=path,
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WitnessStoreError(
            "« {path} » ne peut pas être lu : créez d'abord le témoin avec « dossier witness init ».",
            path=path,
        ) from error
