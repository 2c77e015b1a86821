"""``python -m tests.fuzz TARGET [libFuzzer options]``: runs until stopped, or by the options.

New inputs go to a directory given before the committed corpus (``… header FOUND -max_total_time=600``);
a crash is written to ``./crash-…`` and is a finding.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"


def main(name: str, options: list[str]) -> None:
    with atheris.instrument_imports(include=["crypto"]):
        from tests.fuzz.targets import TARGETS  # instrumented only within the block
    atheris.Setup([sys.argv[0], *options, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


main(sys.argv[1], sys.argv[2:])
