"""The profile: a person's own directory, with their key, what they trust, and what they were shown.

Every file is written whole or not at all (temporary file, fsync, rename), readable by its owner
alone; what several commands change at the same time is changed under a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from crypto.digests import Digest, parse_digest
from crypto.encoding import parse_opaque_id
from crypto.errors import CryptoError
from crypto.trust import Trust
from exchange.client.errors import ProfileError
from exchange.client.files import write_atomically

DIRECTORY_MODE: Final = 0o700

KIND_DEVICE: Final = "device"
KIND_REGISTRAR: Final = "registrar"


@dataclass(frozen=True)
class Settings:
    """``profile.json``: who this profile is, and at which server."""

    kind: str = KIND_DEVICE
    server: str | None = None
    person: str | None = None
    name: str | None = None
    organisation: str | None = None
    roles: tuple[str, ...] = ()
    invitation: str | None = None
    enrolment: str | None = None
    certificate: str | None = None
    origin: str | None = None


class Profile:
    """A profile directory. Holds no secret in memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # -- files ----------------------------------------------------------------------------

    def path(self, *steps: str) -> Path:
        """A path inside the profile; its folder is made if need be."""
        path = self.directory.joinpath(*steps)
        path.parent.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        return path

    def read(self, *steps: str) -> bytes | None:
        """A file's bytes, or None when there is none."""
        try:
            return self.directory.joinpath(*steps).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.directory.joinpath(*steps), error) from error

    def write(self, data: bytes, *steps: str) -> Path:
        """Write a file whole, mode 0600."""
        path = self.path(*steps)
        write_atomically(path, data)
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be alone among the commands that use this profile. Short sections only."""
        with self.path(".lock").open("a+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    # -- what it holds --------------------------------------------------------------------

    def settings(self) -> Settings:
        """``profile.json``, or the defaults when there is none yet."""
        data = self.read("profile.json")
        return Settings() if data is None else _parse_settings(data)

    def save(self, settings: Settings) -> None:
        """Write ``profile.json``."""
        self.write(
            json.dumps(asdict(settings), indent=2, ensure_ascii=False).encode(), "profile.json"
        )

    def change(self, **changes: Any) -> Settings:
        """Change some settings under the lock, and return all of them."""
        with self.locked():
            changed = replace(self.settings(), **changes)
            self.save(changed)
        return changed

    def trust(self) -> Trust:
        """The pinned anchor; raises ProfileError when nothing is pinned."""
        data = self.read("trust.json")
        if data is None:
            raise ProfileError(
                "Ce profil ({directory}) ne fait encore confiance à aucune commission : acceptez votre "
                "invitation avec « dossier enrol INVITATION ».",
                directory=self.directory,
            )
        return Trust.parse(data)

    def pin(self, trust: Trust) -> None:
        """Pin the anchor, once: another one is never accepted in the same profile."""
        with self.locked():
            data = self.read("trust.json")
            if data is not None and Trust.parse(data) != trust:
                raise ProfileError(
                    "Ce profil fait déjà confiance à une autre commission ou à d'autres clés racine. "
                    "Si c'est voulu, prenez un autre profil (--profile) ; sinon, prévenez le secrétariat."
                )
            if data is None:
                self.write(trust.to_json(), "trust.json")

    def keep_receipt(self, name: str, receipt: bytes) -> None:
        """Keep a receipt under ``receipts/``."""
        self.write(receipt, "receipts", f"{name}.receipt")

    def keep_statement(self, digest: Digest, envelope: bytes) -> None:
        """Keep a statement that this profile signed, under ``statements/``."""
        self.write(envelope, "statements", f"{digest}.json")

    def keep_evidence(self, name: str, *documents: bytes) -> Path:
        """Keep contradictory documents side by side; returns their folder."""
        folder = self.path("evidence", name, "x").parent
        for number, document in enumerate(documents, 1):
            self.write(document, "evidence", name, f"{number}.txt")
        return folder

    # -- status numbers -------------------------------------------------------------------

    def status_number(self, broker_key: Digest) -> int:
        """The highest status number seen of a broker key; 0 for none."""
        return self._status_numbers().get(broker_key, 0)

    def raise_status_number(self, broker_key: Digest, number: int) -> bool:
        """Remember a status number; False when it is not higher than the last one."""
        with self.locked():
            numbers = self._status_numbers()
            if number <= numbers.get(broker_key, 0):
                return False
            self.write(json.dumps({**numbers, broker_key: number}).encode(), "status.json")
            return True

    def _status_numbers(self) -> dict[str, int]:
        data = self.read("status.json")
        if data is None:
            return {}
        try:
            return {str(key): int(value) for key, value in json.loads(data).items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise _damaged("status.json") from error

    # -- local file keys ------------------------------------------------------------------

    def filekey_path(self, deposit: str) -> tuple[str, str]:
        """Where the local copy of a deposit's file key lies (an age file to the own recipient)."""
        return "filekeys", f"{parse_opaque_id(deposit)}.age"

    def forget_filekey(self, deposit: str) -> None:
        """Delete a local file key (withdrawal, closing)."""
        self.directory.joinpath(*self.filekey_path(deposit)).unlink(missing_ok=True)

    def filekeys(self) -> tuple[str, ...]:
        """The deposits whose file key is kept here."""
        return tuple(sorted(path.stem for path in self.directory.glob("filekeys/*.age")))


def _parse_settings(data: bytes) -> Settings:
    known = {field.name for field in fields(Settings)}
    try:
        loaded = json.loads(data)
        if not isinstance(loaded, dict) or not set(loaded) <= known:
            raise _damaged("profile.json")
        for name in ("certificate", "invitation", "enrolment"):
            if loaded.get(name) is not None:
                parse_digest(loaded[name])
        return Settings(**{**loaded, "roles": tuple(loaded.get("roles", ()))})
    except (ValueError, TypeError, CryptoError) as error:
        raise _damaged("profile.json") from error


def _damaged(name: str) -> ProfileError:
    return ProfileError(
        "Le fichier « {name} » du profil est abîmé : remettez-le d'une sauvegarde, ou refaites un profil "
        "et demandez une nouvelle invitation.",
        name=name,
    )


def _unreadable(path: Path, error: OSError) -> ProfileError:
    return ProfileError(
        "« {path} » ne peut pas être lu ({reason}) : vérifiez les droits sur le profil.",
        path=path,
        reason=os.strerror(error.errno or 0),
    )
