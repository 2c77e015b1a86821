"""Which file names a container may hold: those that mean one thing on every system.

A container is unpacked on machines that its maker does not know. A name that climbs out of the
directory, collides with another on a file system that ignores case or composition, names a device
or hides its true ending is refused when sealing and when opening.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from crypto.edge.container_errors import UnsafeContainerError

MAX_PATH_BYTES: Final = 400
"""In UTF-8. Room for a few folders, and for a folder to unpack to under Windows's limit of 260
characters in the usual case."""

MAX_NAME_BYTES: Final = 200
"""One component, in UTF-8: file systems stop at 255, and clients add an ending while writing."""

MAX_DEPTH: Final = 8
"""Folders within folders: a person's papers nest two or three deep."""

_FORBIDDEN: Final = frozenset('\\:*?"<>|')
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Controls, invisible and direction-changing characters: U+202E makes « …exe » read « …pdf »."""

_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE
)


def check_path(path: str) -> None:
    """Raise UnsafeContainerError unless ``path`` is relative, portable and in Unicode form C."""
    names = path.split("/")
    if path.startswith("/") or any(name in {"", ".", ".."} for name in names):
        raise UnsafeContainerError("Un nom de fichier du dossier sort du dossier : il est refusé.")
    if len(names) > MAX_DEPTH or len(_utf8(path)) > MAX_PATH_BYTES:
        raise UnsafeContainerError("Un nom de fichier du dossier est trop long.")
    if unicodedata.normalize("NFC", path) != path:
        raise UnsafeContainerError("Un nom de fichier n'est pas en forme Unicode composée (NFC).")
    for name in names:
        _check_name(name)


def normalise_path(path: str) -> str:
    """``path`` in Unicode form C (macOS hands out form D), checked."""
    normal = unicodedata.normalize("NFC", path)
    check_path(normal)
    return normal


def check_distinct(paths: Iterable[str]) -> None:
    """Raise UnsafeContainerError when two paths are one on some file system, or one is inside one."""
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        add_distinct(path, files, folders)


def add_distinct(path: str, files: set[str], folders: set[str]) -> None:
    """Add ``path`` to the names seen so far; raises UnsafeContainerError on a collision."""
    key = _collision_key(path)
    parents = {key[:at] for at, letter in enumerate(key) if letter == "/"}
    if key in files or key in folders or parents & files:
        raise UnsafeContainerError(
            "Deux fichiers du dossier portent le même nom, à la casse ou aux accents près."
        )
    files.add(key)
    folders |= parents


def _check_name(name: str) -> None:
    if len(_utf8(name)) > MAX_NAME_BYTES:
        raise UnsafeContainerError("Un nom de fichier du dossier est trop long.")
    if any(c in _FORBIDDEN or unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in name):
        raise UnsafeContainerError("Un nom de fichier du dossier contient un caractère interdit.")
    if name != name.strip() or name.endswith("."):
        raise UnsafeContainerError(
            "Un nom de fichier du dossier commence ou finit par une espace, ou finit par un point."
        )
    if _RESERVED.fullmatch(name):
        raise UnsafeContainerError("Un nom de fichier du dossier est réservé par Windows.")


def _collision_key(path: str) -> str:
    """Equal for names that some file system takes for one (case, composition, compatibility)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")
