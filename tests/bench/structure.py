"""The structure of a log of a million entries, verified by our code and by Go's, in turn.

The log is laid out in files directly (its entries are as ours, with random commitments). Both sides
are processes of their own and start from nothing; ``DOSSIER_BENCH_ENTRIES`` takes another size.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.checkpoint import Checkpoint
from audit.entries import leaf_bytes
from audit.merkle import leaf_hash, root_of
from audit.note import Note, NoteSigner
from audit.tiles import TILE_WIDTH, TilePath, encode_bundle
from crypto.keys import ServiceSigningSeed
from tests.bench.paired import Figure, Result, paired

ORIGIN = "log.example/structure"
ENTRIES = 1_000_000
ROUNDS = 3
GO = Path(__file__).parents[2] / ".run" / "foreign" / "go-tlog"


def lay_out(directory: Path, entries: int) -> str:
    """Write a signed log of ``entries`` entries in the tlog-tiles layout; its verifier key."""
    row: list[bytes] = []
    for number, first in enumerate(range(0, entries, TILE_WIDTH)):
        width = min(TILE_WIDTH, entries - first)
        day = date(2026, 1, 1) + timedelta(days=first // 4_096)
        leaves = [leaf_bytes(day, os.urandom(32)) for _ in range(width)]
        hashes = [leaf_hash(leaf) for leaf in leaves]
        _write(directory / str(TilePath(None, number, width)), encode_bundle(leaves))
        row += hashes
    level = 0
    root = root_of(row)
    while row:
        for number, first in enumerate(range(0, len(row), TILE_WIDTH)):
            hashes = row[first : first + TILE_WIDTH]
            _write(directory / str(TilePath(level, number, len(hashes))), b"".join(hashes))
        full = range(0, len(row) - len(row) % TILE_WIDTH, TILE_WIDTH)
        row, level = [root_of(row[first : first + TILE_WIDTH]) for first in full], level + 1
    key = NoteSigner(ORIGIN, ServiceSigningSeed.generate(os.urandom))
    text = Checkpoint(ORIGIN, entries, root).to_text()
    _write(directory / "checkpoint", Note(text, key.sign(text)).to_bytes())
    return str(key.verifier)


def measure() -> Iterator[Result | Figure]:
    """Both verify the same files, in turn."""
    entries = int(os.environ.get("DOSSIER_BENCH_ENTRIES", ENTRIES))
    if not GO.exists():
        yield Figure("structure", "Go's verifier is not installed (install_foreign_verifiers.sh)")
        return
    with TemporaryDirectory() as name:
        vkey = lay_out(Path(name), entries)
        ours = partial(_run, sys.executable, "-m", "tests.bench.verify_structure", name, vkey)
        alone = partial(
            _run, sys.executable, "-m", "tests.bench.verify_structure", name, vkey, "alone"
        )
        theirs = partial(_run, str(GO), "audit", name, vkey)
        what = f"structure of {entries:,} entries"
        yield paired(f"{what}, with workers", "Go x/mod", ours, theirs, rounds=ROUNDS)
        yield paired(f"{what}, one process", "Go x/mod", alone, theirs, rounds=1)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
