"""Kinds of piece: known by folder or by the beginning of the file's name, in any spelling."""

from __future__ import annotations

import pytest

from exchange.domain.pathways import exceeds, months_with
from exchange.domain.pieces import PIECES, code_of, expected_in, label_of


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("identite/passeport.pdf", "identite"),
        ("Identité - passeport.pdf", "identite"),
        ("Identite\u0301.pdf", "identite"),
        ("IDENTITE.PDF", "identite"),
        ("pièces/Avis de l'association.pdf", "avis"),
        ("Annexe 6 – demande (fictive).pdf", "demande"),
        ("annexe 7.pdf", "demande"),
        ("annexe 8.pdf", "autre"),
        ("demandeur.pdf", "autre"),
        ("sante", "sante"),
        ("", "autre"),
    ],
)
def test_the_code_of_a_piece(path: str, code: str) -> None:
    """Accents, case and what follows the word do not matter; a longer word is another word."""
    assert code_of(path) == code


def test_the_associations_opinion_is_always_expected() -> None:
    """It goes with a request and with a renewal (CASF L121-9 II)."""
    for kind in ("engagement", "renewal"):
        assert "avis" in {piece.code for piece in expected_in(kind)}


def test_codes_are_distinct_and_labelled() -> None:
    """No code stands twice, and each has words for people."""
    assert len({piece.code for piece in PIECES}) == len(PIECES)
    assert all(label_of(piece.code) == piece.label for piece in PIECES)
    assert label_of("une-autre") == "une-autre"


@pytest.mark.parametrize(
    ("earlier", "months", "beyond"), [(0, 6, False), (3, 24, False), (4, 30, True)]
)
def test_a_pathway_has_four_periods(earlier: int, months: int, beyond: bool) -> None:
    """Six months each, twenty-four at most: the fifth period is one too many."""
    assert (months_with(earlier), exceeds(earlier)) == (months, beyond)
