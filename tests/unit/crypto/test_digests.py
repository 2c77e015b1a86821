"""Digests and tagged hashes."""

from __future__ import annotations

import hashlib

import pytest

from crypto import labels
from crypto.digests import parse_digest, sha256, tagged_sha256
from crypto.errors import MalformedError


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", "٠" * 64]
)
def test_digests_have_one_spelling(text: str) -> None:
    """Only 64 lower-case hexadecimal digits are a digest."""
    with pytest.raises(MalformedError):
        parse_digest(text)


def test_plain() -> None:
    """The plain digest is SHA-256 in hexadecimal."""
    assert parse_digest(sha256(b"abc")) == hashlib.sha256(b"abc").hexdigest()


def test_tagged_layout() -> None:
    """The tagged hash has the documented layout."""
    expected = hashlib.sha256(b"\0\x01L" + b"\0\0\0\x02ab" + b"\0\0\0\0").digest()
    assert tagged_sha256(b"L", [b"ab", b""]) == expected


def test_nothing_crosses_a_border() -> None:
    """Moving a byte between label and parts, or between parts, changes the hash."""
    hashes = {
        tagged_sha256(label, parts)
        for label, parts in (
            (b"ab", [b"c"]),
            (b"a", [b"bc"]),
            (b"a", [b"b", b"c"]),
            (b"a", [b"bc", b""]),
            (b"a", [b"", b"bc"]),
            (b"a", []),
            (b"abc", []),
        )
    }
    assert len(hashes) == 7


def test_labels_are_distinct_and_ours() -> None:
    """No two uses share a label, and none is the beginning of another."""
    found = {
        value for name, value in vars(labels).items() if name.isupper() and isinstance(value, bytes)
    }
    assert found == set(labels.ALL_LABELS)
    assert len(set(labels.ALL_LABELS)) == len(labels.ALL_LABELS)
    for one in labels.ALL_LABELS:
        assert one.startswith(b"dossier-exchange/v1/")
        assert not any(other != one and other.startswith(one) for other in labels.ALL_LABELS)
