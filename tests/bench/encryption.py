"""Encryption against Debian's ``age``: payloads, whole folders, headers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from crypto.keys import FileKey, MasterSeed
from tests.bench.paired import Result, paired

FILE_BYTES = 512 * 1024 * 1024
FOLDER_FILES, FOLDER_FILE_BYTES = 64, 4 * 1024 * 1024
"""256 MiB of scans: ten large dossiers."""

HEADERS = 14
"""The seats of a commission."""

ROUNDS = 7
DOSSIER = Path(sys.executable).parent / "dossier"


def measure() -> Iterator[Result]:
    """Every figure that this machine has a comparator for."""
    yield headers()
    yield help_screen()
    if not shutil.which("age"):
        print("left out: `age` is not installed", file=sys.stderr)
        return
    with memory_directory() as directory:
        identity, recipient = age_key(directory)
        plain = directory / "plain"
        with plain.open("wb") as sink:
            for _ in range(FILE_BYTES >> 20):
                sink.write(os.urandom(1 << 20))
        yield encrypting(directory, plain, recipient, "deposit", "encrypt 512 MiB, with SHA-256")
        yield encrypting(directory, plain, recipient, "encrypt", "encrypt 512 MiB")
        yield decrypting(directory, identity)
        for name in ("plain", "ours", "theirs", "opened"):
            (directory / name).unlink(missing_ok=True)
        yield from folders(directory, identity, recipient)


@contextmanager
def memory_directory() -> Iterator[Path]:
    """A directory without a disk behind it, where the system has one: the cipher is measured."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def age_key(directory: Path) -> tuple[Path, str]:
    """An X25519 key of Debian's age: the kind that both sides know."""
    key = directory / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    shown = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True)
    return key, shown.stdout.strip()


def encrypting(directory: Path, plain: Path, recipient: str, verb: str, name: str) -> Result:
    """One file to one X25519 recipient; a deposit hashes the payload in the same pass."""
    ours = in_process(verb, recipient, plain, directory / "ours")

    def theirs() -> None:
        subprocess.run(["age", "-r", recipient, "-o", directory / "theirs", plain], check=True)

    return paired(name, "age (Debian)", ours, theirs, rounds=ROUNDS)


def decrypting(directory: Path, identity: Path) -> Result:
    """The file that ``age`` just wrote, opened by both."""
    sealed = directory / "theirs"
    ours = in_process("decrypt", str(identity), sealed, directory / "opened")

    def theirs() -> None:
        subprocess.run(["age", "-d", "-i", identity, "-o", directory / "plain", sealed], check=True)

    return paired("decrypt 512 MiB", "age (Debian)", ours, theirs, rounds=ROUNDS)


def in_process(verb: str, key: str, source: Path, sink: Path) -> Callable[[], None]:
    """Our side as a process of its own, interpreter start included."""

    def run() -> None:
        subprocess.run(
            [sys.executable, "-m", "tests.bench.one_file", verb, key, source, sink], check=True
        )

    return run


def folders(directory: Path, identity: Path, recipient: str) -> Iterator[Result]:
    """``dossier seal`` and ``open`` of a folder against tar and age in a pipe."""
    folder, box, theirs_box = directory / "folder", directory / "box.age", directory / "tar.age"
    folder.mkdir()
    for number in range(FOLDER_FILES):
        (folder / f"scan {number:02d}.jpg").write_bytes(os.urandom(FOLDER_FILE_BYTES))
    out, tar_out = directory / "out", directory / "tar-out"

    def seal() -> None:
        box.unlink(missing_ok=True)
        subprocess.run([DOSSIER, "seal", folder, "-r", recipient, "--out", box], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    def tar_age() -> None:
        pipe = f"tar -C {folder} -c . | age -r {recipient} -o {theirs_box}"
        subprocess.run(["sh", "-c", pipe], check=True)

    def open_box() -> None:
        shutil.rmtree(out, ignore_errors=True)
        subprocess.run([DOSSIER, "open", box, "-i", identity, "--out", out], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

    def age_tar() -> None:
        shutil.rmtree(tar_out, ignore_errors=True)
        tar_out.mkdir()
        pipe = f"age -d -i {identity} {theirs_box} | tar -C {tar_out} -x"
        subprocess.run(["sh", "-c", pipe], check=True)

    yield paired("dossier seal, folder of 256 MiB", "tar \\| age", seal, tar_age, rounds=ROUNDS)
    yield paired("dossier open, the same", "age -d \\| tar", open_box, age_tar, rounds=ROUNDS)


def headers() -> Result:
    """Fourteen post-quantum headers of one deposit; the comparator does nothing."""
    from crypto.edge.identity import Identity  # not in the measured processes
    from crypto.edge.seal import header_for

    recipients = [
        Identity.from_seed(MasterSeed.generate(os.urandom)).recipient for _ in range(HEADERS)
    ]
    file_key = FileKey.generate(os.urandom)

    def ours() -> None:
        for recipient in recipients:
            header_for(file_key, recipient, os.urandom)

    return paired(f"{HEADERS} post-quantum headers", "time.sleep(10 ms)", ours, lambda: time.sleep(0.01),
                  rounds=4 * ROUNDS)  # fmt: skip


def help_screen() -> Result:
    """``dossier --help`` against an interpreter that starts and does nothing."""

    def ours() -> None:
        subprocess.run([DOSSIER, "--help"], check=True, capture_output=True)

    def theirs() -> None:
        subprocess.run([sys.executable, "-c", "pass"], check=True)

    return paired("dossier --help", "python -c pass", ours, theirs, rounds=ROUNDS)
