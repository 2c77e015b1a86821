"""Conflict cards: three fields, one length, and nothing else under their name."""

from __future__ import annotations

import io
import os

import pytest

from crypto.age.streams import Pieces
from crypto.edge.card import DossierCard
from crypto.edge.conflict_card import (
    CONFLICT_CARD_PATH,
    CONFLICT_CARD_TYPE,
    MAX_CONFLICT_CARD_BYTES,
    ConflictCard,
)
from crypto.edge.container import Piece, container_pieces
from crypto.edge.container_errors import ContainerError
from crypto.edge.seal import seal_payload
from crypto.errors import MalformedError
from exchange.usecases.service import MAX_CARD_BYTES

SHORT = ConflictCard.make("M", 1990, "Y")
LONG = ConflictCard.make("🙂" * 12, 1990, "é" * 60)


def sealed_length(card: ConflictCard, association: str) -> int:
    data = card.to_json()
    piece = Piece(CONFLICT_CARD_PATH, CONFLICT_CARD_TYPE, len(data), lambda: io.BytesIO(data))
    head = DossierCard(
        sitting="a" * 26,
        dossier="k7qf2-m3xta",
        association=association,
        depositor="0" * 64,
        kind="conflict-card",
        complement_of="0" * 64,
        pieces=(piece.on_card(),),
    )
    container = Pieces(container_pieces(head, (piece,)))
    return seal_payload(container, io.BytesIO(), entropy=os.urandom).length


@pytest.mark.parametrize("card", [SHORT, LONG, ConflictCard.make("J.-P. L.", 2008, "L'Haÿ")])
def test_a_card_reads_as_it_was_written(card: ConflictCard) -> None:
    """What an association writes is what a member sees."""
    assert ConflictCard.parse(card.to_json()) == card
    assert len(card.to_json()) <= MAX_CONFLICT_CARD_BYTES


def test_the_length_of_a_card_says_nothing() -> None:
    """Every card takes the same number of bytes, below the limit, whatever it says of whomever."""
    lengths = {sealed_length(card, name) for card in (SHORT, LONG) for name in ("a", "b" * 40)}
    assert len(lengths) == 1
    assert max(lengths) <= MAX_CARD_BYTES


@pytest.mark.parametrize(
    ("initials", "year", "commune"),
    [
        ("", 1990, "Nanterre"),
        ("M" * 13, 1990, "Nanterre"),
        ("M\n", 1990, "Nanterre"),
        ("M", 1899, "Nanterre"),
        ("M", 2101, "Nanterre"),
        ("M", 1990, ""),
        ("M", 1990, "N" * 61),
        ("M", 1990, "Nan\x00terre"),
    ],
)
def test_a_card_holds_no_more(initials: str, year: int, commune: str) -> None:
    """Empty, long and control characters, and years out of the question, are refused."""
    with pytest.raises(ContainerError):
        ConflictCard.make(initials, year, commune)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        SHORT.to_json() + b" x",
        SHORT.to_json().replace(b"{", b'{"name":"Martin",'),
        SHORT.to_json().replace(b"{", b'{"year":1,'),
        SHORT.to_json().replace(b"1990", b'"1990"'),
        SHORT.to_json() + b" " * MAX_CONFLICT_CARD_BYTES,
    ],
)
def test_what_is_no_card_is_refused(data: bytes) -> None:
    """A further field, a field twice, another type or length: no card."""
    with pytest.raises((ContainerError, MalformedError)):
        ConflictCard.parse(data)
