"""The printed recovery kit brings the key back: by its QR code, and by its text typed again."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from exchange.cli.main import run_command

pytestmark = pytest.mark.skipif(not shutil.which("zbarimg"), reason="zbarimg is not installed")


def dossier(profile: Path, *words: str) -> int:
    passphrase = profile.parent / "passphrase"
    passphrase.write_text("phrase inventée\n", encoding="utf-8")
    return run_command(["--profile", str(profile), "--passphrase-file", str(passphrase), *words])


@pytest.fixture
def kit(tmp_path: Path) -> PdfReader:
    assert dossier(tmp_path / "old", "key", "new", "--work-factor", "10") == 0
    path = tmp_path / "kit.pdf"
    assert dossier(tmp_path / "old", "key", "show", "--kit-pdf", str(path)) == 0
    assert path.stat().st_mode & 0o077 == 0
    assert (
        dossier(tmp_path / "old", "key", "show", "--kit-pdf", str(path)) == 1
    )  # never overwritten
    return PdfReader(io.BytesIO(path.read_bytes()))


def recovered(tmp_path: Path, text: str) -> bool:
    """Whether ``text`` gives back the old key, on a new machine."""
    seed = tmp_path / "typed"
    seed.write_text(text, encoding="utf-8")
    new = tmp_path / "new"
    if dossier(new, "key", "recover", "--seed-file", str(seed), "--work-factor", "10") != 0:
        return False
    return (new / "identity.pub").read_bytes() == (tmp_path / "old" / "identity.pub").read_bytes()


def test_the_qr_code_is_the_key(kit: PdfReader, tmp_path: Path) -> None:
    """Another program's reader scans the code of the page; the key is the old one."""
    [image] = kit.pages[0].images
    picture = tmp_path / "code.png"
    image.image.save(picture)
    scanned = subprocess.run(
        ["zbarimg", "--quiet", "--raw", picture], capture_output=True, text=True, check=True
    )
    assert recovered(tmp_path, scanned.stdout)


def test_the_text_is_the_key(kit: PdfReader, tmp_path: Path) -> None:
    """What a person copies from the page, spaces, lower case and all, is the old key."""
    lines = kit.pages[0].extract_text().splitlines()
    start = lines.index("DOSSIER-SEED-1")
    typed = "\n".join(lines[start : start + 4]).lower()
    assert recovered(tmp_path, typed)


def test_a_slip_is_noticed(kit: PdfReader, tmp_path: Path) -> None:
    """One wrong letter is refused by the checksum, and nothing is written."""
    lines = kit.pages[0].extract_text().splitlines()
    start = lines.index("DOSSIER-SEED-1")
    typed = "".join(lines[start : start + 4]).replace(" ", "")
    slipped = typed[:20] + ("Q" if typed[20] != "Q" else "P") + typed[21:]
    assert not recovered(tmp_path, slipped)
    assert not (tmp_path / "new" / "identity.age").exists()
