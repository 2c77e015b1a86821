"""Properties of containers and file names that hold for every input."""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
import unicodedata
from functools import partial
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crypto.edge.container import Piece, container_pieces, read_container
from crypto.edge.container_errors import UnsafeContainerError
from crypto.edge.paths import check_distinct, check_path
from crypto.errors import MalformedError
from tests.support.containers import FILES, container_of

GOOD = container_of(FILES)
NAMES = st.text(max_size=12) | st.sampled_from(["a", "A", "é", "..", ".", "CON", "a.pdf", "b "])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def safe(path: str) -> bool:
    try:
        check_path(path)
    except UnsafeContainerError:
        return False
    return True


def read_all(data: bytes) -> dict[str, bytes]:
    _card, files = read_container(io.BytesIO(data))
    return {path: stream.read(size) for path, size, stream in files}


@given(st.dictionaries(PATHS.filter(safe), st.binary(max_size=1500), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_container_round_trips(files: dict[str, bytes]) -> None:
    """Whatever is accepted for writing is read back, and Python's tarfile agrees."""
    try:
        check_distinct(["dossier.json", *files])
    except UnsafeContainerError:
        assume(False)
    data = container_of(files)
    assert read_all(data) == files
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames()[1:] == list(files)


@given(PATHS)
def test_a_safe_path_stays_inside(path: str) -> None:
    """A path that passes stays in its folder under POSIX and Windows, and names no device."""
    if not safe(path):
        return
    assert posixpath.normpath(path) == path
    assert not path.startswith(("/", ".."))
    assert ".." not in PurePosixPath(path).parts
    windows = PureWindowsPath(path)
    assert not windows.drive
    assert not windows.root
    assert not windows.is_reserved()
    assert windows.as_posix() == path
    assert unicodedata.is_normalized("NFC", path)
    assert path.isprintable() or any(unicodedata.category(c) in {"Cn", "Zs"} for c in path)


@given(st.integers(0, 8 * len(GOOD) - 1))
@settings(max_examples=500, deadline=None)
def test_a_flipped_bit_shows_in_the_content_or_is_refused(bit: int) -> None:
    """A bit outside the files' own bytes never changes unnoticed."""
    altered = bytearray(GOOD)
    altered[bit // 8] ^= 1 << bit % 8
    try:
        found = read_all(bytes(altered))
    except MalformedError:
        return
    card, _files = read_container(io.BytesIO(bytes(altered)))
    assert found != FILES or card.to_json() not in GOOD
    # What reads is the one spelling of what it now says: written again it is the same bytes.
    pieces = tuple(
        Piece(each.path, each.type, each.size, partial(io.BytesIO, found[each.path]))
        for each in card.pieces
    )
    assert b"".join(container_pieces(card, pieces)) == bytes(altered)


@given(st.integers(0, len(GOOD) - 1))
@settings(deadline=None)
def test_no_beginning_of_a_container_is_one(length: int) -> None:
    """A container cut anywhere, in its padding too, is refused."""
    with pytest.raises(MalformedError):
        read_all(GOOD[:length])


@given(st.binary(min_size=1, max_size=1500))
@settings(deadline=None)
def test_nothing_may_follow_a_container(extra: bytes) -> None:
    """Neither bytes nor further zeros may follow."""
    with pytest.raises(MalformedError):
        read_all(GOOD + extra)


@given(st.binary(max_size=2000), st.integers(0, 10))
@settings(deadline=None)
def test_noise_raises_only_the_formats_error(noise: bytes, block: int) -> None:
    """Arbitrary bytes, alone or spliced in, raise nothing but the package's own errors."""
    at = block * 512
    for data in (noise, GOOD[:at] + noise, GOOD[:at] + noise + GOOD[at + len(noise) :]):
        try:
            read_all(data)
        except MalformedError:
            continue


def test_sizes_fall_into_few_classes() -> None:
    """Containers of near sizes have one length: the size says little about the content."""
    lengths = {
        len(container_of({"a.pdf": os.urandom(size)})) for size in range(200_000, 204_000, 97)
    }
    assert len(lengths) <= 3
