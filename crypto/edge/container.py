"""The container: ``dossier.json``, then the files, in one padded tar; written and read as a stream.

Written in constant memory. Read with every check before the file that it concerns is handed out;
but the check that nothing else follows comes last, so a caller keeps what it unpacks in a temporary
place until the iterator has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from crypto.age.streams import Readable, Writable, read_exactly
from crypto.edge.card import (
    CARD_PATH,
    DEPOSIT_LIMITS,
    CardPiece,
    ContainerLimits,
    DossierCard,
)
from crypto.edge.container_errors import ContainerError, TooLargeError, UnsafeContainerError
from crypto.edge.paths import check_distinct, check_path
from crypto.edge.tar import (
    BLOCK,
    END_BLOCKS,
    entry_header,
    entry_length,
    padded_length,
    read_block,
    read_entry,
)

_COPY_BYTES: Final = 1_048_576
"""Copied at a time: the size of the batches that the cipher takes."""


@dataclass(frozen=True)
class Piece:
    """One file to put into a container. ``open`` is called once, and what it opens is closed."""

    path: str
    type: str
    size: int
    open: Callable[[], BinaryIO]

    def on_card(self) -> CardPiece:
        """The line of the card for this piece."""
        return CardPiece(path=self.path, type=self.type, size=self.size)


def container_length(card: DossierCard) -> int:
    """The exact length of the container of ``card``, padding included."""
    return padded_length(_content_length(card))


def write_container(card: DossierCard, pieces: Sequence[Piece], sink: Writable) -> None:
    """Write a whole container; errors as :func:`container_pieces`."""
    for data in container_pieces(card, pieces):
        sink.write(data)


def container_pieces(
    card: DossierCard, pieces: Sequence[Piece], limits: ContainerLimits = DEPOSIT_LIMITS
) -> Iterator[bytes]:
    """The bytes of a container; raises ContainerError when a name, a size or a limit is wrong.

    ``card.pieces`` must list ``pieces`` in order; a file that changed its size meanwhile is refused.
    """
    if tuple(piece.on_card() for piece in pieces) != card.pieces:
        raise ContainerError("La fiche du dossier et ses pièces ne concordent pas.")
    _check_card(card, limits)
    body = card.to_json()
    yield entry_header(CARD_PATH, len(body)) + body + bytes(-len(body) % BLOCK)
    for piece in pieces:
        yield entry_header(piece.path, piece.size)
        with piece.open() as source:
            yield from _content(source, piece)
        yield bytes(-piece.size % BLOCK)
    content = _content_length(card)
    yield from _zeros(END_BLOCKS + padded_length(content) - content)


def read_container(
    source: Readable, limits: ContainerLimits = DEPOSIT_LIMITS
) -> tuple[DossierCard, Iterator[tuple[str, int, Readable]]]:
    """The card, then each file as (path, size, stream), in order; raises ContainerError.

    A stream must be read before the next file is asked for; what is left of it is skipped. The
    container is sound only when the iterator has ended without an error.
    """
    path, size = read_entry(source, read_block(source))
    if path != CARD_PATH:
        raise ContainerError("Le dossier ne commence pas par sa fiche dossier.json.")
    if size > limits.card_bytes:
        raise TooLargeError("La fiche dossier.json est trop longue.")
    body = read_exactly(source, size)
    card = DossierCard.parse(body, limits)
    if card.to_json() != body:
        raise ContainerError("La fiche dossier.json n'est pas écrite sous sa forme exacte.")
    _check_card(card, limits)
    _skip_padding(source, size)
    return card, _files(source, card)


class _Bounded:
    """The content of one entry, and not a byte more."""

    def __init__(self, source: Readable, size: int) -> None:
        self._source = source
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        if wanted == 0:
            return b""
        data = self._source.read(wanted)
        if not data:
            raise ContainerError("Le dossier est coupé avant sa fin.")
        self._left -= len(data)
        return data


def _files(source: Readable, card: DossierCard) -> Iterator[tuple[str, int, Readable]]:
    for piece in card.pieces:
        block = read_block(source)
        if not any(block):
            raise ContainerError("Le dossier contient moins de fichiers que sa fiche n'en annonce.")
        path, size = read_entry(source, block)
        # Names are checked before they are compared: the message should name the worse fault.
        check_path(path)
        if (path, size) != (piece.path, piece.size):
            raise ContainerError("Un fichier du dossier n'est pas celui que sa fiche annonce.")
        content = _Bounded(source, size)
        yield path, size, content
        while content.read(_COPY_BYTES):
            pass
        _skip_padding(source, size)
    _check_end(source, card)


def _check_card(card: DossierCard, limits: ContainerLimits) -> None:
    """Names and sizes, before anything is written or unpacked."""
    if len(card.pieces) > limits.files:
        raise TooLargeError("Un dossier compte au plus {most} fichiers.", most=limits.files)
    if any(piece.size > limits.file_bytes for piece in card.pieces):
        raise TooLargeError("Un fichier fait au plus {most} Mio.", most=limits.file_bytes >> 20)
    if card.total_bytes > limits.total_bytes:
        raise TooLargeError(
            "Les fichiers d'un dossier font au plus {most} Mio ensemble.",
            most=limits.total_bytes >> 20,
        )
    for piece in card.pieces:
        check_path(piece.path)
    check_distinct([CARD_PATH, *(piece.path for piece in card.pieces)])


def _content_length(card: DossierCard) -> int:
    """Entries and the two end blocks, without the padding."""
    files = sum(entry_length(piece.path, piece.size) for piece in card.pieces)
    return entry_length(CARD_PATH, len(card.to_json())) + files + END_BLOCKS


def _check_end(source: Readable, card: DossierCard) -> None:
    """Zeros to exactly the padded length: padding is no place for a message, nor may it be cut."""
    content = _content_length(card)
    left = END_BLOCKS + padded_length(content) - content
    while data := source.read(_COPY_BYTES):
        if any(data):
            raise UnsafeContainerError("Quelque chose suit le dernier fichier du dossier.")
        left -= len(data)
    if left != 0:
        raise ContainerError("Le remplissage du dossier n'a pas la longueur prévue.")


def _content(source: Readable, piece: Piece) -> Iterator[bytes]:
    left = piece.size
    while left and (data := source.read(min(left, _COPY_BYTES))):
        yield data
        left -= len(data)
    if left or source.read(1):
        raise ContainerError("Une pièce du dossier a changé de taille : recommencez le dépôt.")


def _skip_padding(source: Readable, size: int) -> None:
    padding = read_exactly(source, -size % BLOCK)
    if len(padding) != -size % BLOCK:
        raise ContainerError("Le dossier est coupé avant sa fin.")
    if any(padding):
        raise UnsafeContainerError("Des octets se cachent entre deux fichiers du dossier.")


def _zeros(count: int) -> Iterator[bytes]:
    while count:
        step = min(count, _COPY_BYTES)
        yield bytes(step)
        count -= step
