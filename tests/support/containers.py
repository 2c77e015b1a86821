"""Small containers for tests, honest and hostile."""

from __future__ import annotations

import io

from crypto.digests import Digest
from crypto.edge.card import DossierCard
from crypto.edge.container import Piece, write_container
from crypto.statements.exchange import Kind

FILES: dict[str, bytes] = {
    "demande.pdf": b"%PDF-1.7 " + b"x" * 700,
    "pièces/titre de séjour.jpg": b"y" * 512,
    "pièces/attestation.txt": b"",
}


def pieces_of(files: dict[str, bytes]) -> tuple[Piece, ...]:
    """Pieces that read from memory."""
    return tuple(
        Piece(path, "application/pdf", len(data), lambda data=data: io.BytesIO(data))  # type: ignore[misc]
        for path, data in files.items()
    )


def card_of(files: dict[str, bytes], note: str = "Bonjour") -> DossierCard:
    """A card of a fictional deposit."""
    return DossierCard(
        sitting="a" * 26,
        dossier="k7qf2-m3xta",
        association="altair",
        depositor=Digest("0" * 64),
        kind=Kind.ENGAGEMENT,
        pieces=tuple(piece.on_card() for piece in pieces_of(files)),
        note=note,
    )


def container_of(files: dict[str, bytes], note: str = "Bonjour") -> bytes:
    """A whole container in memory."""
    sink = io.BytesIO()
    write_container(card_of(files, note), pieces_of(files), sink)
    return sink.getvalue()
