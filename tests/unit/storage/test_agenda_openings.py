"""What agendas list, in both databases: kept as shown, found with its agenda alone, erased for good."""

from __future__ import annotations

import os

import pytest

from crypto.digests import Digest
from crypto.keys import PartySigningSeed
from crypto.statements import Unverified, seal
from crypto.statements.agenda import (
    AgendaItem,
    AgendaPlace,
    OpenedItem,
    commit_items,
    open_whole,
)
from crypto.statements.registry import Agenda, Revocation
from storage.database import Database
from tests.support.statement_samples import DIGEST, ID, sample
from tests.support.stores import accept, digest, integrate, revocation

ORIGIN = "dossiers.example/log"
ITEM = AgendaItem(association="altair", dossier="k7qf2-m3xta", rank=2**52, manifests=(DIGEST,))


def agenda(version: int) -> tuple[Unverified[Agenda], tuple[OpenedItem, ...]]:
    """A version that lists one dossier, and its items opened."""
    commitments, shown = commit_items(AgendaPlace(ORIGIN, ID, version), [ITEM], os.urandom)
    statement = sample(Agenda, sitting=ID, version=version, items=commitments)
    assert isinstance(statement, Agenda)
    signed = seal(statement, [PartySigningSeed.generate(os.urandom)])
    return signed, open_whole(statement, ORIGIN, shown)


def keep(database: Database, version: int) -> tuple[Digest, tuple[OpenedItem, ...]]:
    signed, items = agenda(version)
    accept(database, signed)
    with database.transactions() as work:
        work.statements.open_items(signed.digest, items)
        work.commit()
    return signed.digest, items


def test_items_are_found_as_they_were_opened(database: Database) -> None:
    """Opening, content and commitment to the octet, decoys included, and of that version alone."""
    first, items = keep(database, 1)
    second, others = keep(database, 2)
    with database.readings() as work:
        for known, kept in ((first, items), (second, others)):
            found = work.statements.opened(known)
            assert sorted(each.commitment for each in found) == [e.commitment for e in found]
            assert set(found) == set(kept)
        assert work.statements.opened(digest(b"unknown")) == []


def test_without_commit_no_item_lasts(database: Database) -> None:
    """Items go with the transaction that accepts their agenda."""
    signed, items = agenda(1)
    accept(database, signed)
    with database.transactions() as work:
        work.statements.open_items(signed.digest, items)
    with database.readings() as work:
        assert work.statements.opened(signed.digest) == []


def test_what_is_erased_is_gone(database: Database) -> None:
    """One item is erased, twice without harm; the statement, the other items and versions stay."""
    first, items = keep(database, 1)
    second, others = keep(database, 2)
    gone = {items[0].commitment}
    for _ in range(2):
        with database.transactions() as work:
            work.statements.erase_openings(first, gone)
            work.commit()
    with database.readings() as work:
        left = {each.commitment for each in work.statements.opened(first)}
        assert left == {each.commitment for each in items} - gone
        assert len(work.statements.opened(second)) == len(others)
        assert work.statements.get(first) is not None


@pytest.mark.parametrize("erased", [False, True])
def test_whether_an_event_is_disclosed(database: Database, erased: bool) -> None:
    """An event is disclosed until its details are erased."""
    statement = revocation(digest(b"c"))
    accept(database, statement)
    integrate(database)
    with database.transactions() as work:
        accepted = work.statements.get(statement.digest)
        assert accepted is not None
        if erased:
            assert work.events.erase_disclosures(0, 0) == 1
        assert work.events.is_disclosed(accepted.order) is not erased
        without = [each.digest for each in work.statements.undisclosed()]
        assert without == ([statement.digest] if erased else [])


def test_an_erased_statement_is_found_nowhere(database: Database) -> None:
    """Neither by digest, nor by reference, nor by its event; twice without harm, and the others stay."""
    gone, kept = revocation(digest(b"c")), revocation(digest(b"d"))
    for each in (gone, kept):
        accept(database, each)
    integrate(database)
    with database.transactions() as work:
        both = work.statements.recorded_between(0, 1)
        assert [(index, each.digest) for index, each in both] == [
            (0, gone.digest),
            (1, kept.digest),
        ]
        work.statements.erase(gone.digest)
        work.statements.erase(gone.digest)
        work.commit()
    with database.readings() as work:
        assert work.statements.get(gone.digest) is None
        assert work.statements.envelope(gone.digest) is None
        assert work.statements.find(Revocation, certificate=digest(b"c")) == []
        left = work.statements.recorded_between(0, 9)
        assert [(index, each.digest) for index, each in left] == [(1, kept.digest)]
        assert work.statements.recorded_between(0, 0) == []
