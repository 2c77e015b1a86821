"""Looks for plaintext where none may be: samples of every dossier, in every byte that is kept.

A 32-byte sample that stands anywhere in a file covers at least one 16-byte window that begins at a
multiple of 16 in that file. So all aligned windows of the file go into a set, and each of the
sample's own 16 windows is looked up: every occurrence is found, in one pass over the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPLE_BYTES = 32
WINDOW_BYTES = 16
MIN_DISTINCT = 12
"""A sample of few different bytes (a run of zeros, a rule of dashes) proves nothing."""

STRIDE = 256
"""One sample in each 256 bytes: enough that no page of a file could hide."""

MIN_NAME_CHARS = 8
"""Shorter names could occur by chance in megabytes of ciphertext."""


@dataclass(frozen=True)
class Leak:
    """A sample or name found where it must not be."""

    what: str
    where: Path


def samples(data: bytes) -> Iterator[bytes]:
    for start in range(0, max(0, len(data) - SAMPLE_BYTES + 1), STRIDE):
        sample = data[start : start + SAMPLE_BYTES]
        if len(set(sample)) >= MIN_DISTINCT:
            yield sample


def names(folder: Path) -> Iterator[bytes]:
    """Every file and folder name, also as JSON escapes would spell it."""
    for path in folder.rglob("*"):
        for text in {path.name, path.stem}:
            if len(text) >= MIN_NAME_CHARS:
                yield text.encode()
                yield text.encode("ascii", "backslashreplace")


def find_leaks(dossiers: Path, kept: list[Path]) -> tuple[list[Leak], int]:
    """Every leak, and how many samples were looked for (to be asserted as not zero)."""
    wanted = {
        sample: f"content of {path.name}"
        for path in dossiers.rglob("*")
        if path.is_file()
        for sample in samples(path.read_bytes())
    }
    called = set(names(dossiers))
    index: dict[bytes, set[bytes]] = {}
    for sample in wanted:
        for at in range(WINDOW_BYTES):
            index.setdefault(sample[at : at + WINDOW_BYTES], set()).add(sample)
    leaks = [
        leak
        for folder in kept
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for leak in _leaks_of(path, wanted, index, called)
    ]
    return leaks, len(wanted)


def _leaks_of(
    path: Path, wanted: dict[bytes, str], index: dict[bytes, set[bytes]], called: set[bytes]
) -> Iterator[Leak]:
    data = path.read_bytes()
    windows = {data[at : at + WINDOW_BYTES] for at in range(0, len(data), WINDOW_BYTES)}
    near = {sample for window in windows if window in index for sample in index[window]}
    for sample in near:
        if sample in data:
            yield Leak(wanted[sample], path)
    for name in called:
        if name in data:
            yield Leak(f"name {name.decode(errors='replace')}", path)
