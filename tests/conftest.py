"""Rules for every test: no network in unit, property and architecture tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.engines import S3_VARIABLE

HERE = Path(__file__).parent
OFFLINE = ("unit", "property", "adversary", "architecture")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests may open no socket but Unix ones (SQL servers of the engines tests), and those to
    a process that they started themselves (``own_process``). On the engines a played service keeps
    its objects behind one.
    """
    on_engines = {"adversary", "architecture"} if S3_VARIABLE in os.environ else set()
    for item in items:
        folder = Path(item.path).relative_to(HERE).parts[0]
        local = any(item.iter_markers("engines")) or any(item.iter_markers("own_process"))
        if folder in OFFLINE and folder not in on_engines and not local:
            item.add_marker(pytest.mark.disable_socket)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was left out, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = sorted({str(report.longrepr[2]) for report in skipped if report.longrepr})
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason in reasons:
            terminalreporter.line(f"  {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_ALL set (CI), a test left out fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    left_out = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("REQUIRE_ALL") and left_out and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
