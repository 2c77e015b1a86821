"""A deposit on its way, as it waits in the profile: sealed payload, manifest, envelopes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from crypto.encoding import decode_base64, encode_base64
from crypto.errors import CryptoError
from crypto.statements import Unverified, parse
from crypto.statements.exchange import Manifest
from exchange.client.errors import ProfileError
from exchange.client.files import write_atomically
from exchange.client.profile import Profile


@dataclass(frozen=True)
class DepositState:
    """All that is needed to send a sealed deposit again."""

    deposit: str
    sitting: str
    part_bytes: int
    manifest: bytes
    envelopes: tuple[bytes, ...]

    def parsed(self) -> Unverified[Manifest]:
        """The manifest."""
        return parse(Manifest, self.manifest)

    def to_json(self) -> bytes:
        """The state file's bytes: ciphertext and public things only."""
        document = {
            "deposit": self.deposit,
            "sitting": self.sitting,
            "part_bytes": self.part_bytes,
            "manifest": self.manifest.decode(),
            "envelopes": [encode_base64(each) for each in self.envelopes],
        }
        return json.dumps(document).encode()

    @classmethod
    def parse(cls, data: bytes) -> DepositState:
        """Read a state file; raises ProfileError."""
        try:
            loaded = json.loads(data)
            return cls(
                str(loaded["deposit"]),
                str(loaded["sitting"]),
                int(loaded["part_bytes"]),
                str(loaded["manifest"]).encode(),
                tuple(decode_base64(each) for each in loaded["envelopes"]),
            )
        except (ValueError, KeyError, TypeError, CryptoError) as error:
            raise ProfileError(
                "Un dépôt en attente est abîmé dans le profil : supprimez-le avec « dossier deposit "
                "--discard », puis déposez à nouveau."
            ) from error


@dataclass(frozen=True)
class Pending:
    """The folder of one deposit on its way. ``key`` is its idempotency key."""

    key: str
    folder: Path

    @classmethod
    def new(cls, profile: Profile, key: str) -> Pending:
        """A fresh folder in the profile."""
        return cls(key, profile.path("deposits", key, "state.json").parent)

    @classmethod
    def all(cls, profile: Profile) -> tuple[Pending, ...]:
        """Those that wait in the profile."""
        folders = sorted((profile.directory / "deposits").glob("*"))
        return tuple(cls(folder.name, folder) for folder in folders if folder.is_dir())

    @property
    def payload(self) -> Path:
        """Where the sealed payload waits."""
        return self.folder / "payload"

    @property
    def is_sealed(self) -> bool:
        """Whether everything was sealed and signed."""
        return (self.folder / "state.json").exists() and self.payload.exists()

    def save(self, state: DepositState) -> None:
        """From here on the deposit can be resumed."""
        write_atomically(self.folder / "state.json", state.to_json())

    def load(self) -> DepositState:
        """The saved state."""
        return DepositState.parse((self.folder / "state.json").read_bytes())

    def sent_parts(self) -> frozenset[int]:
        """The numbers of the parts that the server has acknowledged."""
        try:
            return frozenset(int(each) for each in (self.folder / "sent").read_text().split())
        except (FileNotFoundError, ValueError):
            return frozenset()  # a part sent twice does no harm

    def save_sent_parts(self, numbers: AbstractSet[int]) -> None:
        """Remember the parts acknowledged so far."""
        write_atomically(self.folder / "sent", " ".join(map(str, sorted(numbers))).encode())

    def remove(self) -> None:
        """Forget it."""
        shutil.rmtree(self.folder, ignore_errors=True)
