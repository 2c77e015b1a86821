"""SHA-256 digests, plain and tagged.

A tagged hash is SHA-256(u16 length of label ‖ label ‖ parts, each after its u32 length): neither a
label nor a part can be moved across a border.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NewType

from crypto.errors import MalformedError

Digest = NewType("Digest", str)
"""A SHA-256 as 64 lower-case hexadecimal digits."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def parse_digest(text: str) -> Digest:
    """Accept exactly 64 lower-case hexadecimal digits; raises MalformedError."""
    if not _DIGEST.fullmatch(text):
        raise MalformedError(
            "Une empreinte SHA-256 s'écrit en 64 chiffres hexadécimaux minuscules."
        )
    return Digest(text)


def sha256(data: bytes | bytearray | memoryview) -> Digest:
    """The plain SHA-256 of some bytes."""
    return Digest(hashlib.sha256(data).hexdigest())


def tagged_sha256(label: bytes, parts: Iterable[bytes]) -> bytes:
    """The 32-byte hash of ``parts`` under ``label`` (one of ``crypto.labels``)."""
    state = hashlib.sha256(len(label).to_bytes(2, "big") + label)
    for part in parts:
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return state.digest()
