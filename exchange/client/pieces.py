"""The files of a dossier as they lie on this machine, as pieces of a container."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final

from crypto.edge.card import DEPOSIT_LIMITS
from crypto.edge.container import Piece
from exchange.client.errors import UnsafeFileError
from exchange.client.files import collect
from exchange.client.scrubbing.finding import Finding, Scrubbed

DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"


class Metadata(Enum):
    """What to do with what files say beyond their content."""

    STRIP = "strip"
    KEEP = "keep"


def read_pieces(paths: tuple[Path, ...]) -> tuple[Piece, ...]:
    """The files at or below ``paths`` as pieces of a container, exactly as they are."""
    return tuple(_as_it_is(name, path) for name, path in collect(paths))


@dataclass(frozen=True)
class Papers:
    """The pieces of a deposit, and what their files gave away or still do."""

    pieces: tuple[Piece, ...]
    findings: tuple[Finding, ...]


def read_papers(paths: tuple[Path, ...], metadata: Metadata, *, any_type: bool) -> Papers:
    """Pieces of admitted types; raises UnsafeFileError for another type unless ``any_type``.

    With ``Metadata.STRIP`` a piece reads as a copy without metadata. That copy is made anew each
    time it is read: no plaintext is written anywhere, and only one file is in memory at a time.
    """
    made = [_paper(name, path, metadata, any_type=any_type) for name, path in collect(paths)]
    findings = (finding for _piece, finding in made)
    return Papers(
        tuple(piece for piece, _finding in made),
        tuple(each for each in findings if each.traces or each.kept),
    )


def _paper(name: str, path: Path, metadata: Metadata, *, any_type: bool) -> tuple[Piece, Finding]:
    from exchange.client.scrubbing import types

    size = path.stat().st_size
    if size > DEPOSIT_LIMITS.file_bytes:  # refused later with the container's own words
        return _as_it_is(name, path), Finding(name, frozenset())
    data = path.read_bytes()
    try:
        kind = types.type_of(name, data)
        scrubbed = types.scrub(kind, data)
    except UnsafeFileError as error:
        if not any_type:
            raise UnsafeFileError("« {path} » : {reason}", path=name, reason=error) from error
        return _as_it_is(name, path), Finding(name, frozenset())
    finding = Finding(name, scrubbed.traces, scrubbed.kept)
    if metadata is Metadata.KEEP or scrubbed.data == data:
        return Piece(name, kind.media_type, size, _opener(path)), finding

    def again() -> Scrubbed:
        return types.scrub(kind, path.read_bytes())

    piece = Piece(name, kind.media_type, len(scrubbed.data), lambda: io.BytesIO(again().data))
    return piece, finding


def _as_it_is(name: str, path: Path) -> Piece:
    kind = mimetypes.guess_type(name, strict=True)[0] or DEFAULT_MEDIA_TYPE
    return Piece(name, kind, path.stat().st_size, _opener(path))


def _opener(path: Path) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return path.open("rb", buffering=0)  # read by the mebibyte: a buffer would only copy

    return opened
