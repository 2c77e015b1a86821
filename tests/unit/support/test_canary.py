"""The canary itself can find what it looks for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.canary import find_leaks


@pytest.mark.parametrize("shift", range(17))
def test_a_sample_is_found_at_any_offset(tmp_path: Path, shift: int) -> None:
    """32 bytes of a dossier are found wherever they stand in a kept file."""
    dossiers, kept = tmp_path / "dossiers", tmp_path / "kept"
    dossiers.mkdir()
    kept.mkdir()
    secret = os.urandom(1000)
    (dossiers / "a.pdf").write_bytes(secret)
    (kept / "clean").write_bytes(os.urandom(5000))
    assert find_leaks(dossiers, [kept])[0] == []
    (kept / "dirty").write_bytes(os.urandom(512 + shift) + secret[256:288] + os.urandom(100))
    assert [leak.where.name for leak in find_leaks(dossiers, [kept])[0]] == ["dirty"]


def test_a_name_is_found_also_escaped(tmp_path: Path) -> None:
    """A file name is found as UTF-8 and as JSON escapes."""
    dossiers, kept = tmp_path / "dossiers", tmp_path / "kept"
    dossiers.mkdir()
    kept.mkdir()
    (dossiers / "pièce d'identité.pdf").write_bytes(b"")
    (kept / "log").write_text('{"path": "pi\\xe8ce d\'identit\\xe9.pdf"}', encoding="ascii")
    assert find_leaks(dossiers, [kept])[0]
