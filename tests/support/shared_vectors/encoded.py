"""How vectors write bytes, and where they lie."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "vectors"

Case = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def load(name: str) -> dict[str, list[Case]]:
    """The groups of ``tests/vectors/NAME.json``."""
    return json.loads((FOLDER / f"{name}.json").read_bytes())


def written(groups: dict[str, list[Case]]) -> bytes:
    """The bytes of a vector file."""
    return json.dumps(groups, indent=1, ensure_ascii=False).encode() + b"\n"
