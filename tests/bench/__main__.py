"""``make bench``: prints a table in Markdown. Nothing here is asserted: figures are for reading."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from crypto.edge.seal import seal_payload
from tests.bench.paired import Result, paired

SIZE = 128 * 1024 * 1024
ROUNDS = 5


def main() -> None:
    """Run every measurement that this machine has a comparator for."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        plain = directory / "plain"
        plain.write_bytes(os.urandom(SIZE))
        if shutil.which("age"):
            results.append(encrypting(directory, plain))
        else:
            print("left out: `age` is not installed", file=sys.stderr)
        results.append(help_screen())
    print("| what | against | ours (median) | theirs (median) | theirs ÷ ours | rounds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for result in results:
        print(result.row())


def encrypting(directory: Path, plain: Path) -> Result:
    """A 128 MiB payload, with its SHA-256 in the same pass, against Debian's ``age``."""
    key = directory / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    recipient = subprocess.run(
        ["age-keygen", "-y", key], check=True, capture_output=True, text=True
    ).stdout.strip()

    def ours() -> None:
        with plain.open("rb") as source, (directory / "ours").open("wb") as sink:
            seal_payload(source, sink, entropy=os.urandom, progress=None)

    def theirs() -> None:
        subprocess.run(["age", "-r", recipient, "-o", directory / "theirs", plain], check=True)

    return paired("encrypt 128 MiB, with SHA-256", "age (Debian)", ours, theirs, rounds=ROUNDS)


def help_screen() -> Result:
    """``dossier --help`` against an interpreter that starts and does nothing."""
    command = Path(sys.executable).parent / "dossier"

    def ours() -> None:
        subprocess.run([command, "--help"], check=True, capture_output=True)

    def theirs() -> None:
        subprocess.run([sys.executable, "-c", "pass"], check=True)

    return paired("dossier --help", "python -c pass", ours, theirs, rounds=ROUNDS)


if __name__ == "__main__":
    main()
