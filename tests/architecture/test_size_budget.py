"""Small rooms: the budget of files and functions, so that a newcomer finds a thing by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("crypto", "audit", "storage", "exchange")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 15
FORBIDDEN_NAMES = ("utils", "util", "helpers", "misc", "common")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def suite() -> list[Path]:
    """Tests and what supports them, without what other programs install among them."""
    found = sorted((ROOT / "tests").rglob("*.py"))
    return [path for path in found if "node_modules" not in path.parts]


BUDGETED = [*sources(), *suite()]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_sources_are_found() -> None:
    """The budget looks at the whole product and its tests, and not at empty lists."""
    assert len(sources()) > 50
    assert len(suite()) > 100
    assert Path(__file__) in suite()


@pytest.mark.parametrize("path", BUDGETED, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_within_budget(path: Path) -> None:
    """No file is longer than 400 lines, and none, nor its folder, is named after being a drawer."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    names = {part.removeprefix("test_") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names.isdisjoint(FORBIDDEN_NAMES)


@pytest.mark.parametrize("path", BUDGETED, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_within_budget(path: Path) -> None:
    """No function is longer than 60 lines."""
    assert [entry for entry in functions(path) if entry[1] > MAX_FUNCTION_LINES] == []


def test_most_functions_are_short() -> None:
    """Half of all functions have at most 15 lines."""
    lengths = sorted(length for path in sources() for _, length in functions(path))
    assert lengths[len(lengths) // 2] <= MEDIAN_FUNCTION_LINES


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is_for(path: Path) -> None:
    """Every module that holds code opens with a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def test_every_test_states_its_promise() -> None:
    """Each test function says in a docstring what it promises."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
