"""``python -m exchange.cli``."""

from __future__ import annotations

from exchange.cli.main import main

if __name__ == "__main__":
    main()
