"""Key files of devices, registrars and roots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto.edge.identity import Identity
from crypto.errors import CryptoError, MalformedError, NotForThisKeyError
from crypto.keys import MasterSeed
from exchange.client.errors import ProfileError, UnsafeFileError
from exchange.client.keys import (
    read_key_file,
    read_public_key,
    read_seed,
    store_seed,
    write_key_file,
)
from exchange.client.profile import Profile


def test_round_trip(tmp_path: Path) -> None:
    """A key comes back with its passphrase, and its public half lies beside it."""
    profile, seed = Profile(tmp_path), MasterSeed.generate(os.urandom)
    public = store_seed(profile, seed, "phrase", log_n=10, entropy=os.urandom)
    assert read_seed(profile, lambda: "phrase") == seed
    assert read_public_key(public) == Identity.from_seed(seed).verify_key
    assert (tmp_path / "identity.age").stat().st_mode & 0o777 == 0o600
    assert seed.reveal() not in (tmp_path / "identity.age").read_bytes()


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """A second key in the same profile is refused: the first may be the only one that opens."""
    profile = Profile(tmp_path)
    one, two = (MasterSeed.generate(os.urandom) for _ in range(2))
    store_seed(profile, one, "phrase", log_n=10, entropy=os.urandom)
    with pytest.raises(ProfileError):
        store_seed(profile, two, "phrase", log_n=10, entropy=os.urandom)
    assert read_seed(profile, lambda: "phrase") == one


def test_wrong_passphrase(tmp_path: Path) -> None:
    """A wrong passphrase is told apart from a damaged file."""
    path, seed = tmp_path / "root.age", MasterSeed.generate(os.urandom)
    write_key_file(path, seed, "phrase", log_n=10, entropy=os.urandom)
    with pytest.raises(NotForThisKeyError):
        read_key_file(path, lambda: "autre")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CryptoError):
        read_key_file(path, lambda: "phrase")


def test_no_key_asks_for_no_passphrase(tmp_path: Path) -> None:
    """A profile without a key says so before it asks for anything."""

    def ask() -> str:
        raise AssertionError("must not ask")

    with pytest.raises(ProfileError):
        read_seed(Profile(tmp_path), ask)


@pytest.mark.parametrize("data", [b"", b"x" * 5000, b"\xff", b"AAAA"])
def test_not_a_public_key(tmp_path: Path, data: bytes) -> None:
    """Anything but one Ed25519 key is refused, whatever its length."""
    path = tmp_path / "x.pub"
    path.write_bytes(data)
    with pytest.raises(MalformedError):
        read_public_key(path)


def test_missing_files(tmp_path: Path) -> None:
    """A path that is not there is named."""
    with pytest.raises(UnsafeFileError, match="absent"):
        read_public_key(tmp_path / "absent.pub")
    with pytest.raises(UnsafeFileError, match="absent"):
        read_key_file(tmp_path / "absent.age", lambda: "x")
