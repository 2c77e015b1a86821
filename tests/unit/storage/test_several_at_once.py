"""What is kept several at once is kept as one by one: in order, once each, on both databases."""

from __future__ import annotations

import os

import pytest

from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ports import DepositRecord, NewStatement, ReleaseRecord
from storage.database import Database
from tests.support.stores import NOW, digest, entry, integrate, revocation


def test_tickets_ascend_in_the_order_of_the_events(database: Database) -> None:
    """Each ticket belongs to the event at its place, with that event's own details."""
    entries = [entry(f"event {number}") for number in range(300)]
    with database.transactions() as work:
        tickets = list(work.events.append_all(entries))
        assert work.events.append_all([]) == []
        work.commit()
    assert tickets == sorted(set(tickets))
    assert integrate(database) == 300
    leaves = [bytes(each) for each in database.log_store.leaves(0, 300)]
    assert leaves == [each.leaf for each in entries]
    shown = database.log_store.disclosures(0, 300)
    assert [each.details for each in shown] == [each.details for each in entries]


def test_statements_together_are_found_as_one_by_one(database: Database) -> None:
    """By identity and by reference; and one that is kept already refuses all of them."""
    made = [revocation(digest(b"%d" % number)) for number in range(20)]

    def new(numbers: range) -> list[NewStatement]:
        tickets = work.events.append_all([entry(str(number)) for number in numbers])
        return [
            NewStatement(made[at].statement, made[at].digest, made[at].envelope, ticket, NOW)
            for at, ticket in zip(numbers, tickets, strict=True)
        ]

    with database.transactions() as work:
        work.statements.add_all(new(range(10)))
        work.commit()
    with database.transactions() as work, pytest.raises(ConcurrentChangeError):
        work.statements.add_all(new(range(9, 20)))
    with database.transactions() as work:
        kind = type(made[0].statement)
        assert [each.digest for each in work.statements.find(kind)] == [
            each.digest for each in made[:10]
        ]
        (found,) = work.statements.find(kind, certificate=digest(b"7"))
        assert found.digest == made[7].digest


def deposits(database: Database, count: int) -> list[str]:
    ids = [new_opaque_id(os.urandom) for _ in range(count)]
    with database.transactions() as work:
        for each in ids:
            work.deposits.add(
                DepositRecord(
                    each, "s", "altair", digest(b"c"), "begun", each, None, None, None, NOW
                )
            )
        work.commit()
    return ids


def released(database: Database, request: Digest, ids: list[str]) -> None:
    with database.transactions() as work:
        tickets = work.events.append_all([entry(each) for each in ids])
        work.releases.add_all(
            [
                ReleaseRecord(request, each, digest(b"c"), ticket, None, None)
                for each, ticket in zip(ids, tickets, strict=True)
            ]
        )
        work.commit()


def test_answers_are_kept_once(database: Database) -> None:
    """The same again is fine; another answer, or one to no release, keeps nothing of all of them."""
    ids, request = deposits(database, 3), digest(b"request")
    released(database, request, ids[:2])
    answers = {(request, ids[0]): b"one", (request, ids[1]): b"two"}
    for _ in range(2):
        with database.transactions() as work:
            work.releases.set_answers(answers)
            work.releases.set_answers({})
            work.commit()
    other = {(request, ids[1]): b"two", (request, ids[0]): b"another"}
    nowhere = {(request, ids[2]): b"three"}
    for wrong in (other, nowhere):
        with database.transactions() as work, pytest.raises(ConcurrentChangeError):
            work.releases.set_answers(wrong)
    with database.transactions() as work:
        kept = [work.releases.get(request, each) for each in ids]
    assert [each.answer if each else None for each in kept] == [b"one", b"two", None]


def test_envelopes_by_deposit_and_digest(database: Database) -> None:
    """Those asked for, and never another deposit's under the same digest."""
    ids = deposits(database, 2)
    first, second = digest(b"first"), digest(b"second")
    with database.transactions() as work:
        work.deposits.add_envelope(ids[0], first, b"first")
        work.deposits.add_envelope(ids[1], second, b"second")
        work.commit()
    with database.transactions() as work:
        wanted = [(ids[0], first), (ids[1], second), (ids[0], second), (ids[1], first)]
        assert work.deposits.envelopes(wanted) == {
            (ids[0], first): b"first",
            (ids[1], second): b"second",
        }
        assert work.deposits.envelopes([]) == {}


def test_counts_of_several_people(database: Database) -> None:
    """Of those asked for, in this window, and of this scope."""
    with database.transactions() as work:
        for who, window in (("a", 5), ("a", 5), ("b", 5), ("c", 4)):
            work.rates.add("scope", who, window)
        work.rates.add("other", "a", 5)
        assert work.rates.seen("scope", ["a", "b", "c", "d"], 5) == {"a": 2, "b": 1}
        assert work.rates.seen("scope", [], 5) == {}
