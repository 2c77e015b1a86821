"""Durable files: modes, atomic replacement, destruction, locks, torn lines."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from exchange.broker import files
from exchange.broker.errors import BrokerBusyError, BrokerStoreError
from exchange.broker.files import (
    LineFile,
    destroy_file,
    destroy_leftovers,
    locked,
    make_directory,
    read_file,
    write_file,
)


def test_files_are_private(tmp_path: Path) -> None:
    """Files are 0600 and directories 0700, whatever the umask."""
    old = os.umask(0)
    try:
        make_directory(tmp_path / "keys")
        write_file(tmp_path / "keys" / "a", b"secret")
    finally:
        os.umask(old)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "a").stat().st_mode & 0o777 == 0o600


def test_replacement_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way leaves the old content, and no error of another kind."""
    path = tmp_path / "state"
    write_file(path, b"old")

    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "write", full)
        with pytest.raises(BrokerStoreError, match="No space left"):
            write_file(path, b"new")
    assert read_file(path) == b"old"


def test_destruction_overwrites_first(tmp_path: Path) -> None:
    """Another name of the same file holds zeros after the destruction."""
    path, other = tmp_path / "key", tmp_path / "other-name"
    write_file(path, b"k" * 100)
    os.link(path, other)
    destroy_file(path)
    assert not path.exists()
    assert other.read_bytes() == bytes(100)


def test_destroying_what_is_gone(tmp_path: Path) -> None:
    """Destroying twice is fine."""
    destroy_file(tmp_path / "nothing")


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link in place of a key does not make the broker overwrite its target."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "key").symlink_to(target)
    with pytest.raises(BrokerStoreError):
        destroy_file(tmp_path / "key")
    assert target.read_bytes() == b"precious"


def test_leftovers_are_destroyed(tmp_path: Path) -> None:
    """What a crash left half-written is removed."""
    (tmp_path / "key.tmp").write_bytes(b"half a key")
    destroy_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_lock_excludes_threads(tmp_path: Path) -> None:
    """Of many threads only one at a time holds the lock."""
    inside, most = [], []

    def enter() -> None:
        with locked(tmp_path / "lock"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 16


def test_lock_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is held too long is an error that says so, not an endless wait."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.02)
    with locked(tmp_path / "lock"):
        with pytest.raises(BrokerBusyError):
            with locked(tmp_path / "lock"):
                pass


def test_lines_of_two_processes(tmp_path: Path) -> None:
    """Each reader gets each line once, its own and the others'."""
    one, two = LineFile(tmp_path / "lines"), LineFile(tmp_path / "lines")
    one.append(b"a")
    assert two.refresh() == [b"a"]
    two.append(b"b")
    assert one.refresh() == [b"b"]
    assert two.refresh() == []


def test_torn_line_is_cut_off(tmp_path: Path) -> None:
    """A line without its end was never acknowledged to anybody: it goes, and the next one fits."""
    path = tmp_path / "lines"
    path.write_bytes(b"whole\nhal")
    lines = LineFile(path)
    assert lines.refresh() == [b"whole"]
    lines.append(b"next")
    assert path.read_bytes() == b"whole\nnext\n"


def test_shrunken_file_is_noticed(tmp_path: Path) -> None:
    """A file that got shorter under a running process is an older copy."""
    path = tmp_path / "lines"
    lines = LineFile(path)
    lines.append(b"a")
    path.write_bytes(b"")
    with pytest.raises(BrokerStoreError):
        lines.refresh()
    path.unlink()
    with pytest.raises(BrokerStoreError):
        lines.refresh()


def test_line_breaks_are_refused(tmp_path: Path) -> None:
    """One append is one line."""
    with pytest.raises(BrokerStoreError):
        LineFile(tmp_path / "lines").append(b"a\nb")
