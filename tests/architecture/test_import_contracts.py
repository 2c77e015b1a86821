"""The shape is the argument: the import contracts hold, and would be noticed if they did not."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("crypto", "audit", "storage", "exchange")


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold() -> None:
    """Every import contract of pyproject.toml is kept."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (
            "exchange/usecases/release.py",
            "import crypto.edge.unseal",
            "The service can never decrypt",
        ),
        ("exchange/web/app.py", "import crypto.age.decrypt", "The service can never decrypt"),
        ("exchange/domain/policy.py", "import pydantic", "The domain is standard library only"),
        (
            "exchange/client/transport.py",
            "import exchange.web.app",
            "The client side never imports",
        ),
        ("exchange/usecases/release.py", "import sqlalchemy", "Only storage speaks SQL and S3"),
        ("audit/merkle.py", "import exchange.usecases.ports", "Dependencies point inward"),
    ],
)
def test_a_violation_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    """A deliberate violation of each contract fails the build and is named."""
    path = copy / module
    assert path.is_file()
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint_imports(copy)
    assert result.returncode != 0
    broken = [row for row in result.stdout.splitlines() if "BROKEN" in row]
    assert any(contract in row for row in broken), result.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_ours(package: str) -> None:
    """``crypto`` and ``storage`` are taken names elsewhere: ours are the ones imported."""
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)
