"""Writing files and collecting folders without surprises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.client.errors import UnsafeFileError
from exchange.client.files import appearing, appearing_directory, collect, write_new


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error inside the block leaves neither the file nor its temporary."""
    with pytest.raises(ValueError, match="stop"), appearing(tmp_path / "x") as handle:
        handle.write(b"half")
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []
    with appearing(tmp_path / "x") as handle:
        handle.write(b"whole")
    assert (tmp_path / "x").read_bytes() == b"whole"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A file that is there stays, also when it came meanwhile."""
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(UnsafeFileError), appearing(tmp_path / "x"):
        pass
    with pytest.raises(UnsafeFileError), appearing(tmp_path / "y") as handle:
        handle.write(b"theirs")
        (tmp_path / "y").write_bytes(b"mine")
    assert (tmp_path / "y").read_bytes() == b"mine"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was unpacked before an error disappears with it."""
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="stop"), appearing_directory(out) as folder:
        write_new(folder, "a/b.txt", iter([b"plain"]))
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []
    out.mkdir()
    with appearing_directory(out) as folder:
        write_new(folder, "a/b.txt", iter([b"pl", b"ain"]))
    assert (out / "a" / "b.txt").read_bytes() == b"plain"
    assert (out / "a" / "b.txt").stat().st_mode & 0o777 == 0o600


def test_a_folder_with_something_in_it(tmp_path: Path) -> None:
    """Files are never unpacked among older ones, nor through a link."""
    (tmp_path / "old").write_text("x")
    with pytest.raises(UnsafeFileError), appearing_directory(tmp_path):
        pass
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafeFileError), appearing_directory(tmp_path / "link"):
        pass


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a//b", "", ".", "a\\..\\x", "a\0b"])
def test_names_that_leave(tmp_path: Path, name: str) -> None:
    """A name that would be written elsewhere is refused."""
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(UnsafeFileError):
        write_new(root, name, iter([b"x"]))
    assert list(tmp_path.rglob("*")) == [root]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """A link that lies where a file is due is not followed."""
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "x").symlink_to(target)
    with pytest.raises(UnsafeFileError):
        write_new(tmp_path, "x", iter([b"theirs"]))
    assert target.read_text() == "mine"


def test_collect(tmp_path: Path) -> None:
    """A folder's files come with their relative names, a single file with its own."""
    folder = tmp_path / "dossier"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.txt").write_text("b")
    (folder / "sub" / "a.txt").write_text("a")
    (folder / ".DS_Store").write_text("litter")
    single = tmp_path / "seul.pdf"
    single.write_text("c")
    names = [name for name, _path in collect((folder, single))]
    assert names == ["b.txt", "seul.pdf", "sub/a.txt"]


def test_collect_refuses_links_and_devices(tmp_path: Path) -> None:
    """What is sealed is what the person sees: links and pipes are refused."""
    folder = tmp_path / "dossier"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeFileError):
        collect((folder,))
    (folder / "link").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(UnsafeFileError):
        collect((folder,))


def test_collect_same_name_twice(tmp_path: Path) -> None:
    """Two files of one name are not merged in silence; an empty folder is no dossier."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    with pytest.raises(UnsafeFileError):
        collect((tmp_path / "one", tmp_path / "two"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnsafeFileError):
        collect((tmp_path / "empty",))
