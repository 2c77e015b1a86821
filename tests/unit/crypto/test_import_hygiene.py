"""What the service imports brings nothing that decrypts, at run time and not only by contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DECRYPTING = ("crypto.edge", "crypto.age.unwrap", "crypto.age.payload_open", "crypto.age.decrypt")


def loaded_by(module: str) -> set[str]:
    program = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["crypto.envelope", "crypto.fingerprints", "crypto.trust", "crypto.statements", "crypto.age.header",
     "crypto.age.encrypt", "crypto.age.wrap", "crypto.age.recipients", "crypto.age.layout"],
)  # fmt: skip
def test_nothing_that_decrypts_is_loaded(module: str) -> None:
    """Importing a module that the service may use loads no module that decrypts."""
    loaded = loaded_by(module)
    assert module in loaded
    assert [name for name in loaded if name.startswith(DECRYPTING)] == []


def test_checking_envelopes_needs_no_cipher() -> None:
    """The module that the service checks envelopes with loads no cipher at all."""
    loaded = loaded_by("crypto.envelope")
    assert not any(name.startswith(("cryptography", "nacl", "pydantic")) for name in loaded)


def test_the_probe_can_fail() -> None:
    """The probe does see what a decrypting module loads."""
    assert "crypto.age.unwrap" in loaded_by("crypto.edge.unseal")
