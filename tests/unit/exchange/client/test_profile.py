"""The profile directory: whole files, private, one anchor, numbers that only grow."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from crypto.digests import sha256
from crypto.keys import PartySigningSeed
from crypto.trust import Trust
from exchange.client.errors import ProfileError
from exchange.client.profile import Profile, Settings


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path / "profile")


def make_trust() -> Trust:
    key = PartySigningSeed.generate(os.urandom).verify_key()
    return Trust(commission="a" * 26, root_keys=(key,), threshold=1)


def test_files_are_private(profile: Profile) -> None:
    """What a profile holds is readable by its owner alone, from the first byte on."""
    path = profile.write(b"secret", "receipts", "one.receipt")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_interrupted_write_leaves_the_old_file(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails half-way leaves what was there, and no litter."""
    profile.write(b"old", "x")

    def broken(_descriptor: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space"):
        profile.write(b"new", "x")
    monkeypatch.undo()
    assert profile.read("x") == b"old"
    assert [path.name for path in profile.directory.iterdir()] == ["x"]


def test_settings_round_trip(profile: Profile) -> None:
    """Settings come back as they were saved; a change touches only what it names."""
    profile.save(Settings(server="https://a.example", roles=("member",)))
    profile.change(person="p")
    assert profile.settings() == Settings(server="https://a.example", roles=("member",), person="p")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"unknown": 1}', b'{"certificate": "x"}'])
def test_damaged_settings(profile: Profile, data: bytes) -> None:
    """A damaged profile.json is named and never guessed at."""
    profile.write(data, "profile.json")
    with pytest.raises(ProfileError):
        profile.settings()


def test_one_anchor(profile: Profile) -> None:
    """Another commission's trust never replaces the pinned one."""
    mine, other = make_trust(), make_trust()
    profile.pin(mine)
    profile.pin(mine)
    with pytest.raises(ProfileError):
        profile.pin(other)
    assert profile.trust() == mine


def test_without_an_anchor(profile: Profile) -> None:
    """A profile that trusts nothing yet says what to do."""
    with pytest.raises(ProfileError, match="dossier enrol"):
        profile.trust()


def test_status_numbers_only_grow(profile: Profile) -> None:
    """The same or a lower number of a broker key is not accepted; keys count apart."""
    one, two = sha256(b"one"), sha256(b"two")
    assert profile.raise_status_number(one, 5)
    assert not profile.raise_status_number(one, 5)
    assert not profile.raise_status_number(one, 4)
    assert profile.raise_status_number(two, 1)
    assert profile.status_number(one) == 5


def _raise(directory: Path, start: int) -> None:
    key = sha256(b"broker")
    for number in range(start, 200, 2):
        Profile(directory).raise_status_number(key, number)


def test_commands_at_the_same_time(profile: Profile) -> None:
    """Two processes that use one profile never lose the higher number."""
    processes = [
        multiprocessing.get_context("spawn").Process(target=_raise, args=(profile.directory, start))
        for start in (1, 2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert profile.status_number(sha256(b"broker")) == 199


def test_deposit_ids_are_no_paths(profile: Profile) -> None:
    """A deposit id from a server never becomes a path that leaves the profile."""
    from crypto.errors import MalformedError

    with pytest.raises(MalformedError):
        profile.filekey_path("../../../etc/passwd")
