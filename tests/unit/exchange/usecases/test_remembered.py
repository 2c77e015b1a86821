"""What is remembered between two questions is never older than the answer."""

from __future__ import annotations

from datetime import UTC, datetime

from crypto.digests import sha256
from crypto.statements.agenda import AgendaOpening, OpenedItem
from crypto.statements.registry import Closing, Revocation, Roster
from exchange.usecases.converted import converted_once
from exchange.usecases.ledger import Accepted, MemoryLedger
from tests.support.statement_samples import sample

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def accepted(name: bytes, order: int, **changes: object) -> Accepted[Revocation]:
    statement = sample(Revocation, **changes)
    assert isinstance(statement, Revocation)
    return Accepted(statement, sha256(name), order, NOW)


def test_a_statement_just_added_is_found() -> None:
    """Asked before and after, by type and by reference; in the order of the log, whatever came first."""
    ledger, certificate = MemoryLedger(), sha256(b"certificate")
    later, earlier = (
        accepted(name, at, certificate=certificate) for name, at in ((b"b", 9), (b"a", 3))
    )
    assert ledger.find(Revocation) == ledger.find(Revocation, certificate=certificate) == ()
    ledger.add(later)
    assert ledger.find(Revocation, certificate=certificate) == (later,)
    ledger.add(earlier)
    for found in (ledger.find(Revocation), ledger.find(Revocation, certificate=certificate)):
        assert found == (earlier, later)
    assert ledger.find(Revocation, certificate=sha256(b"other")) == ()
    assert ledger.find(Roster) == ()


def test_items_shown_later_are_shown() -> None:
    """Openings that come one after the other are all there."""
    ledger, agenda = MemoryLedger(), sha256(b"agenda")
    items = [OpenedItem(bytes([n]) * 32, AgendaOpening(bytes(32), b"null"), None) for n in (1, 2)]
    assert ledger.opened(agenda) == ()
    for count, item in enumerate(items, start=1):
        ledger.open_items(agenda, [item])
        assert ledger.opened(agenda) == tuple(items[:count])


def test_a_view_is_of_that_very_object() -> None:
    """Equal objects have views of their own; the same object has one, made once."""
    made: list[tuple[int, ...]] = []

    @converted_once
    def view(given: tuple[int, ...]) -> int:
        made.append(given)
        return sum(given)

    one, other = (tuple(map(int, "12")) for _ in range(2))
    assert one is not other
    assert [view(one), view(one), view(other), view(other)] == [3, 3, 3, 3]
    assert made == [one, other]


def test_what_nothing_refers_to_is_not_remembered() -> None:
    """A stranger who asks for references that do not exist does not fill the memory; what is found is
    found again, and a statement that comes later is found too."""
    ledger = MemoryLedger()
    for number in range(1_000):
        assert ledger.find(Closing, sitting=f"s{number}") == ()
    assert not ledger._found["closing"]
