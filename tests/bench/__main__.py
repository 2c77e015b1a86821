"""``make bench``: prints tables in Markdown. Nothing here is asserted: figures are for reading.

``python -m tests.bench NAME …`` runs only the measurements so named.
"""

from __future__ import annotations

import importlib
import sys

SETS = (
    "encryption",
    "log",
    "log_growth",
    "structure",
    "browser",
    "remote_broker",
    "transfers",
    "replay",
    "releases",
    "busy_year",
)
"""Modules of this package; each has ``measure()``, which yields rows as it gets them."""


def main() -> None:
    """Run the named sets, or all."""
    for name in sys.argv[1:] or SETS:
        print(f"\n### {name}\n", flush=True)
        print("| what | against | ours (median) | theirs (median) | theirs ÷ ours | rounds |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        for result in importlib.import_module(f"tests.bench.{name}").measure():
            print(result.row(), flush=True)


if __name__ == "__main__":
    main()
