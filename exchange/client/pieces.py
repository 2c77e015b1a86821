"""The files of a dossier as they lie on this machine, as pieces of a container."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import BinaryIO, Final

from crypto.edge.container import Piece
from exchange.client.files import collect

DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"


def read_pieces(paths: tuple[Path, ...]) -> tuple[Piece, ...]:
    """The files at or below ``paths`` as pieces of a container."""
    return tuple(_piece(name, path) for name, path in collect(paths))


def _piece(name: str, path: Path) -> Piece:
    def opened() -> BinaryIO:
        return path.open("rb", buffering=0)  # read by the mebibyte: a buffer would only copy

    kind = mimetypes.guess_type(name, strict=True)[0] or DEFAULT_MEDIA_TYPE
    return Piece(name, kind, path.stat().st_size, opened)
