"""Authorised releases, by request and deposit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from crypto.digests import Digest
from exchange.usecases.errors import ConcurrentChangeError
from exchange.usecases.ports import ReleaseRecord
from storage.database.log_tables import log_entries
from storage.database.metadata import Digest64, OpaqueId26, Ticket, metadata
from storage.database.transaction import Transaction

releases = Table(
    "releases",
    metadata,
    Column("request", Digest64, primary_key=True),
    Column("deposit", OpaqueId26, ForeignKey("deposits.deposit"), primary_key=True),
    Column("certificate", Digest64, nullable=False),
    Column("ticket", Ticket, ForeignKey("log_entries.ticket"), nullable=False, unique=True),
    Column("answer", LargeBinary),
    Column("payload_ticket", Ticket, ForeignKey("log_entries.ticket"), unique=True),
    Index("ix_releases_certificate", "certificate", "deposit", "ticket"),
)


_NEW = insert(releases)
_ANSWERED = (
    update(releases)
    .where(
        releases.c.request == bindparam("of"),
        releases.c.deposit == bindparam("part"),
        releases.c.answer.is_(None),
    )
    .values(answer=bindparam("given"))
)
_ANSWERS = select(releases.c.request, releases.c.deposit, releases.c.answer).where(
    releases.c.request.in_(bindparam("requests", expanding=True))
)


class SqlReleases:
    """Implements ``usecases.ports.Releases``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_all(self, records: Sequence[ReleaseRecord]) -> None:
        """One release a request and deposit; a second raises ConcurrentChangeError."""
        if records:
            self._transaction.change(_NEW, [dict(vars(each)) for each in records])

    def get(self, request: Digest, deposit: str) -> ReleaseRecord | None:
        """By request and deposit."""
        row = self._transaction.row(select(releases).where(_is(request, deposit)))
        return None if row is None else _record(row)

    def latest(self, certificate: Digest, deposit: str) -> ReleaseRecord | None:
        """The last release of a deposit to a certificate."""
        query = (
            select(releases)
            .where(releases.c.certificate == certificate, releases.c.deposit == deposit)
            .order_by(releases.c.ticket.desc())
            .limit(1)
        )
        row = self._transaction.row(query)
        return None if row is None else _record(row)

    def of_deposit(self, deposit: str) -> list[ReleaseRecord]:
        """All of a deposit, oldest first."""
        query = select(releases).where(releases.c.deposit == deposit).order_by(releases.c.ticket)
        return [_record(row) for row in self._transaction.rows(query)]

    def set_answers(self, answers: Mapping[tuple[Digest, str], bytes]) -> None:
        """Keep the broker's answers, each once: a retry must get the same one. Another answer raises
        ConcurrentChangeError.
        """
        if not answers:
            return
        # In one order for all: two workers that keep the same ones do not wait for each other.
        rows = [
            {"of": request, "part": deposit, "given": answer}
            for (request, deposit), answer in sorted(answers.items())
        ]
        self._transaction.change(_ANSWERED, rows)
        # Several updates at once do not tell how many rows each met: so they are read back.
        wanted = {"requests": sorted({request for request, _ in answers})}
        found = self._transaction.rows(_ANSWERS, wanted)
        kept = {(Digest(row.request), row.deposit): row.answer for row in found}
        for key, answer in answers.items():
            if kept.get(key) != answer:
                raise _another()

    def set_payload_ticket(self, request: Digest, deposit: str, ticket: int) -> None:
        """Keep the one ``payload.read`` event; another one raises ConcurrentChangeError."""
        self._set_once(request, deposit, releases.c.payload_ticket, ticket)

    def forget_between(self, first: int, last: int) -> None:
        """Forget the releases whose event is one of the entries ``first`` to ``last``, both included."""
        concerned = select(log_entries.c.ticket).where(log_entries.c.log_index.between(first, last))
        self._transaction.change(delete(releases).where(releases.c.ticket.in_(concerned)))

    def _set_once(
        self, request: Digest, deposit: str, column: Column[Any], value: bytes | int
    ) -> None:
        met = self._transaction.change(
            update(releases)
            .where(_is(request, deposit), column.is_(None) | (column == value))
            .values({column: value})
        )
        if met != 1:
            raise _another()


def _another() -> ConcurrentChangeError:
    return ConcurrentChangeError(
        "Cette remise a déjà reçu une autre suite. Relisez-la et recommencez."
    )


def _is(request: Digest, deposit: str) -> ColumnElement[bool]:
    return (releases.c.request == request) & (releases.c.deposit == deposit)


def _record(row: Row[Any]) -> ReleaseRecord:
    return ReleaseRecord(
        request=Digest(row.request),
        deposit=row.deposit,
        certificate=Digest(row.certificate),
        ticket=row.ticket,
        answer=None if row.answer is None else bytes(row.answer),
        payload_ticket=row.payload_ticket,
    )
