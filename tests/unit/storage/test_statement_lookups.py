"""What a transaction looks up ahead, or has looked up before, is answered as if it were asked now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from crypto.digests import Digest
from crypto.encoding import new_dossier_reference
from crypto.keys import PartySigningSeed
from crypto.statements import Statement, Unverified, seal
from crypto.statements.exchange import Recusal
from crypto.statements.registry import Closing, Revocation
from exchange.usecases.ledger import Lookup
from storage.database import Database
from storage.database.statement_lookups import VALUES_AT_ONCE
from storage.errors import CorruptStorageError
from tests.support.stores import COMMISSION, NOW, accept, digest, entry, random_id, revocation

SITTINGS = (random_id(), random_id())
DOSSIERS = tuple(new_dossier_reference(os.urandom) for _ in range(2))


def signed(kind: type[Any], signer: bytes, **fields: object) -> Unverified[Any]:
    """A statement of that type; nothing here looks at who signs."""
    values = {"commission": COMMISSION, "id": random_id(), "issued_at": NOW}
    made = kind(**values, signer=digest(signer), **fields)
    return seal(made, [PartySigningSeed.generate(os.urandom)])


@pytest.fixture
def known() -> list[Unverified[Statement]]:
    """Recusals of two people from two dossiers at two sittings, and two revocations."""
    recusals = [
        signed(Recusal, person, sitting=sitting, dossiers=(dossier,))
        for person in (b"claire", b"bruno")
        for sitting in SITTINGS
        for dossier in DOSSIERS
    ]
    return [*recusals, revocation(digest(b"a")), revocation(digest(b"b"))]


@pytest.fixture
def questions() -> Iterator[list[str]]:
    """Every SELECT that a database is asked from here on."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FROM statements" in statement:
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


LOOKUPS = [
    Lookup(Recusal, "dossier", frozenset(DOSSIERS)),
    Lookup(Revocation, None),
    Lookup(Closing, "sitting", frozenset(SITTINGS)),
    Lookup(Recusal, "signer", frozenset({digest(b"claire"), digest(b"nobody")})),
]

ASKED: list[tuple[type[Statement], dict[str, str]]] = [
    *((Recusal, {"dossier": dossier}) for dossier in DOSSIERS),
    *((Recusal, {"dossier": DOSSIERS[1], "sitting": sitting}) for sitting in SITTINGS),
    (Recusal, {"signer": digest(b"claire")}),
    (Recusal, {"signer": digest(b"nobody")}),
    (Recusal, {"signer": digest(b"claire"), "dossier": DOSSIERS[0], "sitting": SITTINGS[1]}),
    (Revocation, {}),
    (Revocation, {"certificate": digest(b"a")}),
    (Revocation, {"certificate": digest(b"elsewhere")}),
    (Closing, {"sitting": SITTINGS[0]}),
]


def test_what_was_looked_up_ahead_is_answered_the_same(
    database: Database, known: list[Unverified[Statement]], questions: list[str]
) -> None:
    """Each question has the answer that it has without, and the database is asked only once."""
    accept(database, *known)
    alone = []
    for kind, wanted in ASKED:
        with database.readings() as work:
            alone.append(list(work.statements.find(kind, **wanted)))
    assert [len(each) for each in alone] == [4, 4, 2, 2, 4, 0, 1, 2, 1, 0, 0]
    with database.readings() as work:
        work.statements.foresee([*LOOKUPS, Lookup(None, "digest", frozenset({digest(b"unknown")}))])
        del questions[:]
        together = [list(work.statements.find(kind, **wanted)) for kind, wanted in ASKED]
        assert work.statements.get(digest(b"unknown")) is None
        assert work.statements.get(known[0].digest) is not None
        signed_bytes = work.statements.envelopes([each.digest for each in known])
    assert together == alone
    assert questions == []
    assert signed_bytes == {each.digest: each.envelope for each in known}


def test_more_values_than_one_query_names(database: Database) -> None:
    """A question about very many values finds what each of them has, and nothing for the others."""
    statement = revocation(digest(b"last"))
    accept(database, statement)
    values = {digest(str(n).encode()) for n in range(2 * VALUES_AT_ONCE)} | {digest(b"last")}
    with database.readings() as work:
        work.statements.foresee([Lookup(Revocation, "certificate", frozenset(values))])
        found = [
            each for value in values for each in work.statements.find(Revocation, certificate=value)
        ]
        assert [each.digest for each in found] == [statement.digest]


def test_a_change_of_this_transaction_is_seen(
    database: Database, known: list[Unverified[Statement]]
) -> None:
    """What is added or erased after a question changes the next answer, and no other transaction's
    answer before the commit."""
    first, second = known[-2:]
    (ticket,) = accept(database, first)
    with database.transactions() as work:
        work.statements.foresee([Lookup(Revocation, None)])
        assert [each.digest for each in work.statements.find(Revocation)] == [first.digest]
        assert work.statements.get(second.digest) is None
        work.statements.add(second.statement, second.digest, second.envelope, ticket, NOW)
        found = {each.digest for each in work.statements.find(Revocation)}
        assert found == {first.digest, second.digest}
        assert work.statements.get(second.digest) is not None
        with database.readings() as other:
            assert other.statements.get(second.digest) is None
        work.statements.erase(first.digest)
        assert [each.digest for each in work.statements.find(Revocation)] == [second.digest]
        assert work.statements.get(first.digest) is None
        assert work.statements.envelope(first.digest) is None


def test_an_unknown_field_is_a_fault(database: Database) -> None:
    """As with ``find``: silence would hide a revocation."""
    lookup = Lookup(Revocation, "reason", frozenset({"perte"}))
    with database.readings() as work, pytest.raises(TypeError, match="reason"):
        work.statements.foresee([lookup])


def test_a_known_envelope_does_not_cover_for_an_altered_row(database: Database) -> None:
    """Bytes that were read before under their own identity are refused under another one."""
    one, other = revocation(digest(b"a")), revocation(digest(b"b"))
    accept(database, one)
    with database.readings() as work:
        assert work.statements.get(one.digest) is not None
    with database.transactions() as work:
        ticket = work.events.append(entry("other"))
        work.statements.add(other.statement, other.digest, one.envelope, ticket, NOW)
        work.commit()
    with database.readings() as work, pytest.raises(CorruptStorageError):
        work.statements.get(Digest(other.digest))
