"""A short run of the coverage-guided fuzzer over each parser of a stranger's bytes."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crypto.age.armor
import crypto.age.header
import crypto.edge.container
import crypto.statements.model
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
SECONDS = 8
LEAST_RUNS = 2_000
"""A tenth of what a slow machine manages: fewer means that the fuzzer did not run."""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_is_found(name: str, tmp_path: Path) -> None:
    """From the committed corpus on, the fuzzer finds no input that breaks the parser's promises."""
    found = tmp_path / "found"
    found.mkdir()
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, str(found), "-seed=1", f"-max_total_time={SECONDS}",
         f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", run.stderr)
    assert done, run.stderr[-2000:]
    assert int(done[1]) > LEAST_RUNS


def lenient(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def last_wins(data: bytes, *, limit: int) -> Any:
    return json.loads(data[:limit])


@pytest.mark.parametrize(
    ("name", "module", "attribute", "planted"),
    [
        ("header", crypto.age.header, "decode_raw_base64", lenient),
        ("armor", crypto.age.armor, "decode_base64", lenient),
        ("container", crypto.edge.container, "check_path", lambda path: None),
        ("dsse", crypto.statements.model, "load_strict_json", last_wins),
    ],
)
def test_a_planted_fault_is_found(
    name: str,
    module: object,
    attribute: str,
    planted: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A parser made lenient breaks its promise on an input of the corpus: the targets do judge."""
    inputs = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    for data in inputs:
        TARGETS[name](data)
    monkeypatch.setattr(module, attribute, planted)

    def judge_all() -> None:
        for data in inputs:
            TARGETS[name](data)

    with pytest.raises(Exception, match=r".*"):
        judge_all()
