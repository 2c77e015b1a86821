"""Rules for every test: no network in unit, property and architecture tests."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
OFFLINE = ("unit", "property", "adversary", "architecture")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests may open no socket but Unix ones (SQL servers of the engines tests)."""
    for item in items:
        folder = Path(item.path).relative_to(HERE).parts[0]
        if folder in OFFLINE and not any(item.iter_markers("engines")):
            item.add_marker(pytest.mark.disable_socket)
