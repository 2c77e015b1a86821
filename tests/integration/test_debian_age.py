"""The reference implementation (the program ``age`` of the distribution) reads and writes our files."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crypto.age.decrypt import decrypt_stream
from crypto.age.encrypt import encrypt_stream
from crypto.age.identities import format_identity, parse_identity_file, x25519_recipient_of
from crypto.age.layout import CHUNK_BYTES
from crypto.age.recipients import format_recipient, parse_recipient
from crypto.errors import CryptoError
from crypto.keys import X25519Identity

MISSING = shutil.which("age") is None or shutil.which("age-keygen") is None
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(MISSING, reason="needs the programs age and age-keygen"),
]
LENGTHS = (0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 17 * CHUNK_BYTES + 3)
DOSSIER = [sys.executable, "-m", "exchange.cli"]
FILES = {
    "demande.txt": b"fiction\n" * 9_000,
    "pièces/titre de séjour.jpg": bytes(70_000),
    "vide": b"",
}


def run(*words: str, data: bytes = b"") -> bytes:
    """What a program writes; fails the test when it fails."""
    done = subprocess.run(words, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An identity file that age-keygen wrote."""
    path = tmp_path_factory.mktemp("age") / "key.txt"
    path.write_bytes(run("age-keygen"))
    return path


def recipient_of_file(path: Path) -> str:
    return run("age-keygen", "-y", str(path)).decode().strip()


def test_keys_agree(theirs: Path, tmp_path: Path) -> None:
    """Both derive the same recipient, from their identity file and from ours."""
    (identity,) = parse_identity_file(theirs.read_text(encoding="ascii"))
    assert isinstance(identity, X25519Identity)
    assert format_recipient(x25519_recipient_of(identity)) == recipient_of_file(theirs)
    ours = tmp_path / "ours.txt"
    ours.write_text(f"# fiction\n{format_identity(X25519Identity(b'o' * 32))}\n", encoding="ascii")
    ours.chmod(0o600)
    recipient = format_recipient(x25519_recipient_of(X25519Identity(b"o" * 32)))
    assert recipient_of_file(ours) == recipient


@pytest.mark.parametrize("length", LENGTHS)
def test_it_opens_ours(theirs: Path, length: int) -> None:
    """What we stream to several recipients, it opens."""
    text, sink = os.urandom(length), io.BytesIO()
    other = x25519_recipient_of(X25519Identity(b"o" * 32))
    recipient = parse_recipient(recipient_of_file(theirs))
    encrypt_stream(io.BytesIO(text), sink, [other, recipient], os.urandom)
    assert run("age", "-d", "-i", str(theirs), data=sink.getvalue()) == text


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("armored", [(), ("-a",)], ids=["binary", "armored"])
def test_we_open_its(theirs: Path, length: int, armored: tuple[str, ...]) -> None:
    """What it writes, armored or not, we open."""
    text, sink = os.urandom(length), io.BytesIO()
    file = run("age", *armored, "-r", recipient_of_file(theirs), data=text)
    decrypt_stream(io.BytesIO(file), parse_identity_file(theirs.read_text("ascii")), sink)
    assert sink.getvalue() == text


@pytest.mark.parametrize("cut", [1, CHUNK_BYTES + 16, CHUNK_BYTES + 17])
def test_both_refuse_a_cut_file(theirs: Path, cut: int) -> None:
    """A file cut in a chunk or at a border is refused by both."""
    file = run("age", "-r", recipient_of_file(theirs), data=bytes(3 * CHUNK_BYTES))[:-cut]
    done = subprocess.run(
        ["age", "-d", "-i", str(theirs)], input=file, capture_output=True, check=False
    )
    assert done.returncode != 0
    with pytest.raises(CryptoError):
        decrypt_stream(
            io.BytesIO(file), parse_identity_file(theirs.read_text("ascii")), io.BytesIO()
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "papiers"
    for name, data in FILES.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


def test_it_opens_what_our_command_seals(theirs: Path, folder: Path, tmp_path: Path) -> None:
    """``dossier seal … | age -d | tar x`` gives the files back."""
    out = tmp_path / "unpacked"
    out.mkdir()
    sealed = run(*DOSSIER, "seal", str(folder), "-r", recipient_of_file(theirs), "--out", "-")
    run("tar", "x", "-C", str(out), data=run("age", "-d", "-i", str(theirs), data=sealed))
    (root,) = [path.parent for path in out.rglob("demande.txt")]
    found = {name: (root / name).read_bytes() for name in FILES}
    assert found == FILES
    assert (out / "dossier.json").is_file()


def test_our_command_opens_what_it_encrypts(theirs: Path, folder: Path, tmp_path: Path) -> None:
    """``age`` encrypts a container of ours again, and ``dossier open -`` reads it from the pipe."""
    recipient = recipient_of_file(theirs)
    sealed = run(*DOSSIER, "seal", str(folder), "-r", recipient, "--out", "-")
    container = run("age", "-d", "-i", str(theirs), data=sealed)
    again = run("age", "-a", "-r", recipient, data=container)
    out = tmp_path / "opened"
    run(*DOSSIER, "open", "-", "-i", str(theirs), "--out", str(out), data=again)
    (root,) = [path.parent for path in out.rglob("demande.txt")]
    assert {name: (root / name).read_bytes() for name in FILES} == FILES
