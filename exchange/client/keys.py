"""Key files: a device's, a registrar's, a root's. All are a master seed under a passphrase."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from crypto.edge.identity import Identity
from crypto.edge.keyfile import open_seed, seal_seed
from crypto.errors import MalformedError
from crypto.keys import Entropy, MasterSeed, VerifyKey
from exchange.client.errors import ProfileError, UnsafeFileError
from exchange.client.files import appearing
from exchange.client.profile import Profile

KEY_FILE: Final = "identity.age"
PUBLIC_FILE: Final = "identity.pub"
MAX_PUBLIC_FILE_BYTES: Final = 256


def store_seed(
    profile: Profile, seed: MasterSeed, passphrase: str, *, log_n: int, entropy: Entropy
) -> Path:
    """Write the profile's key file, once; returns the path of its public half."""
    path = profile.path(KEY_FILE)
    if path.exists():
        raise ProfileError(
            "Ce profil ({directory}) a déjà une clé : elle n'est jamais remplacée. Prenez un autre "
            "répertoire (--profile).",
            directory=profile.directory,
        )
    write_key_file(path, seed, passphrase, log_n=log_n, entropy=entropy)
    return profile.path(PUBLIC_FILE)


def write_key_file(
    path: Path, seed: MasterSeed, passphrase: str, *, log_n: int, entropy: Entropy
) -> Path:
    """Write a key file and, beside it, its public half (one line); returns that path."""
    sealed = seal_seed(seed, passphrase, log_n=log_n, entropy=entropy)
    public = path.with_suffix(".pub") if path.name == KEY_FILE else Path(f"{path}.pub")
    with appearing(path) as handle:
        handle.write(sealed)
    with appearing(public) as handle:
        handle.write(f"{Identity.from_seed(seed).verify_key}\n".encode())
    return public


def read_seed(profile: Profile, passphrase: Callable[[], str]) -> MasterSeed:
    """The profile's seed; asks for the passphrase only when there is a key."""
    data = profile.read(KEY_FILE)
    if data is None:
        raise ProfileError(
            "Ce profil ({directory}) n'a pas encore de clé : « dossier enrol INVITATION » ou « dossier key "
            "new » en crée une.",
            directory=profile.directory,
        )
    return open_seed(data, passphrase())


def read_key_file(path: Path, passphrase: Callable[[], str]) -> MasterSeed:
    """The seed of a key file outside of a profile (a root's)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnsafeFileError(
            "Le fichier de clé « {path} » ne peut pas être lu : vérifiez le chemin.", path=path
        ) from error
    return open_seed(data, passphrase())


def read_public_key(path: Path) -> VerifyKey:
    """A ``.pub`` file: one line, an Ed25519 key in base64."""
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_PUBLIC_FILE_BYTES + 1)
        return VerifyKey.parse(data.decode("ascii").strip())
    except OSError as error:
        raise UnsafeFileError(
            "Le fichier de clé « {path} » ne peut pas être lu : vérifiez le chemin.", path=path
        ) from error
    except (UnicodeDecodeError, MalformedError) as error:
        raise MalformedError(
            "« {path} » n'est pas un fichier de clé publique (une ligne, clé Ed25519 en base64).",
            path=path,
        ) from error
