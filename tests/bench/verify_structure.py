"""The measured process: our verifier over a directory in the tlog-tiles layout."""

from __future__ import annotations

import sys
from pathlib import Path

from audit.note import KeyType, NoteSigner, NoteVerifier
from audit.policy import LogPolicy, WitnessPolicy
from audit.verify import FindingKind, verify_log
from crypto.keys import ServiceSigningSeed
from exchange.wiring.hashing import hashing_workers


class Folder:
    """``audit.verify.LogReader`` over files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        try:
            with open(f"{self._root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123
                return file.readall()
        except FileNotFoundError:
            return None


def main() -> None:
    """Verify; only the missing broker's cosignature may be found (the measured log has none)."""
    root, vkey = Path(sys.argv[1]), NoteVerifier.parse(sys.argv[2])
    broker = NoteSigner("broker", ServiceSigningSeed(b"\1" * 32), KeyType.COSIGNATURE_V1)
    text = f"witness broker {broker.verifier}\nquorum broker\n"
    policy = LogPolicy(vkey.name, (vkey,), WitnessPolicy.parse(text))
    if sys.argv[3:] == ["alone"]:
        report = verify_log(Folder(root), policy)
    else:
        with hashing_workers() as workers:
            report = verify_log(Folder(root), policy, workers=workers)
    kinds = {each.kind for each in report.findings}
    if kinds != {FindingKind.CHECKPOINT_REFUSED}:
        sys.exit(f"unexpected findings: {kinds}")


if __name__ == "__main__":
    main()
