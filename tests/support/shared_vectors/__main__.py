"""``python -m tests.support.shared_vectors [NAME…]``: write tests/vectors/*.json.

Without names: every file that can be made again bit for bit. ``headers`` and ``envelopes`` hold fresh
encapsulations: they are written only when named.
"""

from __future__ import annotations

import sys

from tests.support.shared_vectors import catalogue
from tests.support.shared_vectors.encoded import FOLDER, written


def main(names: list[str]) -> None:
    for name in names or sorted(catalogue.REPRODUCIBLE):
        builder = {**catalogue.REPRODUCIBLE, **catalogue.SEALED_ONCE}[name]
        (FOLDER / f"{name}.json").write_bytes(written(builder()))


main(sys.argv[1:])
