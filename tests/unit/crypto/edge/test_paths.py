"""File names that mean one thing on every system."""

from __future__ import annotations

import unicodedata

import pytest

from crypto.edge.container_errors import UnsafeContainerError
from crypto.edge.paths import check_distinct, check_path, normalise_path

DANGEROUS = {
    "empty": "",
    "absolute": "/etc/passwd",
    "drive": "C:/Windows",
    "drive-relative": "C:x",
    "parent": "../x",
    "parent-inside": "a/../../x",
    "dot": "./a",
    "dot-inside": "a/./b",
    "double-slash": "a//b",
    "trailing-slash": "a/",
    "backslash": "a\\b",
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[2Jb",
    "right-to-left": "facture\u202efdp.exe",
    "zero-width": "a\u200bb",
    "line-separator": "a\u2028b",
    "private-use": "a\ue000b",
    "decomposed": unicodedata.normalize("NFD", "été.pdf"),
    "stream": "a.txt:hidden",
    "wildcard": "a*",
    "question": "a?",
    "quote": 'a"b',
    "pipe": "a|b",
    "device": "CON",
    "device-extension": "nul.pdf",
    "device-inside": "a/Com1.txt",
    "device-superscript": "COM\u00b9.txt",
    "device-input": "CONIN$",
    "trailing-dot": "a.",
    "trailing-space": "a ",
    "leading-space": " a",
    "no-break-space": "a\u00a0",
    "folder-trailing-dot": "a./b",
    "name-too-long": "é" * 101,
    "path-too-long": "/".join(["a" * 99] * 5),
    "too-deep": "/".join("abcdefghi"),
}


@pytest.mark.parametrize("path", DANGEROUS.values(), ids=DANGEROUS.keys())
def test_dangerous_names_are_refused(path: str) -> None:
    """A name that climbs, hides, collides or means a device is refused, and is not echoed."""
    with pytest.raises(UnsafeContainerError) as caught:
        check_path(path)
    assert len(path) < 4 or path not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["a", "pièce d’identité.pdf", "1 - État civil/acte (copie).pdf", "конвенция.odt", "..a", "a..b",
     ".cache", "console.pdf", "com10.txt", "nulle.pdf", "-rf", "/".join("abcdefgh"), "x" * 200,
     "文件.pdf"],
)  # fmt: skip
def test_ordinary_names_pass(path: str) -> None:
    """Names that people give their files pass unchanged."""
    check_path(path)
    assert normalise_path(path) == path


def test_decomposed_names_can_be_composed() -> None:
    """The names of macOS become portable, dangerous ones stay refused."""
    assert normalise_path(unicodedata.normalize("NFD", "été.pdf")) == "été.pdf"
    with pytest.raises(UnsafeContainerError):
        normalise_path("../x")


@pytest.mark.parametrize(
    "paths",
    [
        ("a.pdf", "a.pdf"),
        ("a.pdf", "A.PDF"),
        ("straße", "STRASSE"),
        ("é", "É"),
        ("ﬁche.pdf", "fiche.pdf"),
        ("a", "a/b"),
        ("a/b", "a"),
        ("A/b", "a/B"),
        ("a", "A/b/c"),
        ("a/b/c", "A/B"),
        ("K.pdf", "\u212a.pdf"),
    ],
)
def test_names_that_are_one_somewhere_are_refused(paths: tuple[str, ...]) -> None:
    """Two names that some file system takes for one, or a file where a folder is, are refused."""
    with pytest.raises(UnsafeContainerError):
        check_distinct(paths)


def test_distinct_names_pass() -> None:
    """Neighbours in one folder and folders that share a beginning are fine."""
    check_distinct(["a/b", "a/c", "ab", "a-b/c", "b/a", "é/a", "e/a"])
