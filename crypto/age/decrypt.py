"""Whole age files, read. Forbidden to the service by import contract."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from crypto.age.armor import dearmored
from crypto.age.header import read_header
from crypto.age.identities import AnyIdentity
from crypto.age.payload_open import open_bytes, open_pieces, open_stream
from crypto.age.payload_seal import Progress
from crypto.age.streams import Octets, Readable, Writable, read_exactly
from crypto.age.unwrap import unwrap_file_key


def decrypt_with(data: bytes, identity: AnyIdentity) -> bytes:
    """The plaintext of a small binary age file.

    Raises MalformedError, NotForThisKeyError or BrokenCiphertextError.
    """
    header, payload = read_header(io.BytesIO(data))
    return open_bytes(unwrap_file_key(header, [identity]), read_exactly(payload, len(data)))


def decrypt_stream(
    source: Readable,
    identities: Sequence[AnyIdentity],
    sink: Writable,
    *,
    progress: Progress | None = None,
) -> None:
    """Open an age file of any size, armored or not; errors as :func:`decrypt_with`.

    Nothing in ``sink`` may be used before this returns.
    """
    header, payload = read_header(dearmored(source))
    open_stream(unwrap_file_key(header, identities), payload, sink, progress=progress)


def decrypt_pieces(
    source: Readable, identities: Sequence[AnyIdentity], *, progress: Progress | None = None
) -> Iterator[Octets]:
    """The plaintext piece by piece; nothing of it may be used before the iterator has ended."""
    header, payload = read_header(dearmored(source))
    yield from open_pieces(unwrap_file_key(header, identities), payload, progress=progress)
