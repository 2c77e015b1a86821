"""Conflict cards that are none, and services that lie about them: the member is shown nothing false."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crypto.edge.conflict_card import ConflictCard
from crypto.edge.container import Piece
from crypto.errors import ExplainedError
from crypto.statements.exchange import Fault, Kind
from exchange.client.conflict_cards import Cards, cards_to_read, plan_card, read_cards
from exchange.client.declare import look, undertake
from exchange.client.deposit import Wanted, make_deposit, plan_papers
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.pieces import Papers
from tests.support.client_world import Scene

CARD = ConflictCard.make("É. O.", 1991, "Nanterre")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """``nadia``'s dossier is deposited; the sitting still takes deposits."""
    made = Scene(tmp_path)
    made.open_sitting("claire", "martin", "odile")
    return made


def deposit(scene: Scene, name: str, content: bytes) -> str:
    """A dossier, and under the name of its card a container of one file."""
    reference = scene.dossier("nadia").reference
    desk = scene.desk("nadia")
    piece = Piece(name, "application/json", len(content), lambda: io.BytesIO(content))
    wanted = Wanted(scene.sitting, Kind.CONFLICT_CARD, (), complement_of=reference)
    make_deposit(desk, plan_papers(desk, wanted, Papers((piece,), ())))
    return reference


def read(scene: Scene, who: str = "claire") -> Cards:
    desk = scene.desk(who)
    seen = look(desk, scene.sitting)
    if not seen.undertaken:
        undertake(desk, seen.mandate)
    return read_cards(desk, seen, ())


def test_an_honest_card_is_shown(scene: Scene) -> None:
    """What the association wrote is what the member sees, and no declaration was signed."""
    reference = deposit(scene, "fiche.json", CARD.to_json())
    scene.agenda()
    (shown,) = read(scene).shown
    assert (shown.reference, shown.card) == (reference, CARD)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("autre.json", CARD.to_json()),
        ("fiche.json", b"{}"),
        ("fiche.json", CARD.to_json().replace(b"1991", b"19910")),
        ("fiche.json", b"x" * 600),
    ],
)
def test_what_is_no_card_is_not_shown(scene: Scene, name: str, content: bytes) -> None:
    """Another file, another form, or more than a card: the fault is the depositor's, and noted."""
    reference = deposit(scene, name, content)
    scene.agenda()
    found = read(scene)
    assert found.shown == ()
    assert [(each.reference, each.fault) for each in found.faulty] == [
        (reference, Fault.OTHER_CONTENT)
    ]


def test_an_altered_card_is_not_shown(scene: Scene) -> None:
    """A payload that the service changed, cut or lengthened is refused."""
    deposit(scene, "fiche.json", CARD.to_json())
    scene.agenda()
    for change in (
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1],
        lambda data: data + b"x",
    ):
        scene.server.lies["payload"] = change
        with pytest.raises(ExplainedError):
            read(scene)
    del scene.server.lies["payload"]
    assert len(read(scene).shown) == 1


def test_no_card_is_offered_off_the_agenda_or_to_the_recused(scene: Scene) -> None:
    """Before the agenda lists it, after a withdrawal, and to the association's own seat: no card."""
    reference = deposit(scene, "fiche.json", CARD.to_json())
    scene.agenda()
    odile = scene.desk("odile")
    assert cards_to_read(odile, look(odile, scene.sitting)) == ()
    with pytest.raises(NotPossibleError):
        read(scene, "odile")
    with pytest.raises((NotPossibleError, NotTrustworthyError)):
        plan_card(scene.desk("paul"), scene.sitting, reference, CARD)
