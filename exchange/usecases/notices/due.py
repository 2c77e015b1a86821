"""What each person should be told now: read from the statements, so that no notice is ever lost.

Nothing is queued when something happens. Whoever sends computes what is due from what was accepted, and
remembers what was sent: a program that dies in between sends once more, and never not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from crypto.digests import sha256
from crypto.statements.exchange import ComplementRequest, Grant, Manifest, Purpose
from crypto.statements.registry import Certificate, Role, Sitting, Stage
from exchange.usecases.authority import revocation_of
from exchange.usecases.envelopes import addressed_to
from exchange.usecases.facts import (
    association_of,
    association_of_dossier,
    closing_of,
    complement_request_of,
    latest_roster,
    latest_sitting,
    withdrawal_of,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.recipients import reader_certificates

NEWS: Final = timedelta(days=14)
"""What is older than two weeks is no news: whoever gives an address today is not told the past."""

CLOSING_SOON: Final = timedelta(hours=24)
"""A working day before the end."""


class NoticeKind(StrEnum):
    """Why a person is written to. Only the sending program knows; the message hardly differs."""

    CERTIFIED = "certified"
    CONVOCATION = "convocation"
    SITTING_CHANGED = "sitting-changed"
    AVAILABLE = "available"
    CLOSING_SOON = "closing-soon"
    COMPLEMENT = "complement"
    GRANT_AWAITED = "grant-awaited"


@dataclass(frozen=True)
class Notice:
    """One message to one person. ``cause`` makes it one of its kind; ``meets_at`` is of a meeting."""

    kind: NoticeKind
    person: str
    cause: str
    meets_at: datetime | None = None

    @property
    def key(self) -> str:
        """What is remembered of it: a hash that names neither person nor cause."""
        return sha256(f"{self.kind}\0{self.person}\0{self.cause}".encode())


def notices_due(index: StatementIndex, now: datetime) -> tuple[Notice, ...]:
    """Everything that somebody should have been told by now, sent before or not."""
    return (
        *_certified(index, now),
        *(each for sitting in _running(index, now) for each in _of_sitting(index, sitting, now)),
    )


def is_reachable(index: StatementIndex, person: str, now: datetime) -> bool:
    """Whether the person still has a device: without one, their address has no use here."""
    return any(_is_usable(index, each, now) for each in index.find(Certificate, person=person))


def _is_usable(index: StatementIndex, held: Accepted[Certificate], now: datetime) -> bool:
    return now < held.statement.not_after and revocation_of(index, held.digest) is None


def _certified(index: StatementIndex, now: datetime) -> Iterator[Notice]:
    for each in index.find(Certificate):
        if now - each.at < NEWS and _is_usable(index, each, now):
            yield Notice(NoticeKind.CERTIFIED, each.statement.person, each.digest)


def _running(index: StatementIndex, now: datetime) -> list[Accepted[Sitting]]:
    """The latest version of each sitting that is not over."""
    sittings = dict.fromkeys(each.statement.sitting for each in index.find(Sitting))
    latest = [latest_sitting(index, sitting) for sitting in sittings]
    return [
        each
        for each in latest
        if each is not None
        and now < each.statement.closes_at
        and closing_of(index, each.statement.sitting) is None
    ]


def _of_sitting(
    index: StatementIndex, latest: Accepted[Sitting], now: datetime
) -> Iterator[Notice]:
    yield from _to_depositors(index, latest, now)
    statement = latest.statement
    if statement.stage is not Stage.CONVOKED:
        return
    versions = [
        each
        for each in index.find(Sitting, sitting=statement.sitting)
        if each.statement.stage is Stage.CONVOKED
    ]
    moved = next(each for each in versions if each.statement.closes_at == statement.closes_at)
    for seat in statement.seats:
        to = (seat.person, statement.sitting)
        yield Notice(NoticeKind.CONVOCATION, *to, statement.closes_at)
        if moved is not versions[0]:
            cause = f"{statement.sitting} {statement.closes_at.isoformat()}"
            yield Notice(NoticeKind.SITTING_CHANGED, seat.person, cause, statement.closes_at)
        if now >= statement.opens_at:
            yield Notice(NoticeKind.AVAILABLE, *to)
        if now >= statement.closes_at - CLOSING_SOON:
            yield Notice(NoticeKind.CLOSING_SOON, *to)


def _to_depositors(
    index: StatementIndex, latest: Accepted[Sitting], now: datetime
) -> Iterator[Notice]:
    sitting = latest.statement.sitting
    for dossier in {
        each.statement.dossier for each in index.find(ComplementRequest, sitting=sitting)
    }:
        asked = complement_request_of(index, sitting, dossier)
        association = association_of_dossier(index, dossier)
        if asked is None or association is None or withdrawal_of(index, dossier, association):
            continue
        answered = any(each.order > asked.order for each in index.find(Manifest, dossier=dossier))
        if not answered and now < asked.statement.answer_by:
            for person in _depositors(index, association, now):
                yield Notice(NoticeKind.COMPLEMENT, person, asked.digest)
    for waiting in _awaited(index, latest, now):
        for person in _depositors(index, waiting, now):
            yield Notice(NoticeKind.GRANT_AWAITED, person, latest.digest)


def _awaited(index: StatementIndex, latest: Accepted[Sitting], now: datetime) -> set[str]:
    """The associations whose deposits lack an envelope for a device that sits."""
    roster = latest_roster(index)
    found: set[str] = set()
    for manifest in index.find(Manifest, sitting=latest.statement.sitting) if roster else ():
        association = association_of(index, manifest.statement)
        if association is None or withdrawal_of(index, manifest.statement.dossier, association):
            continue
        assert roster is not None
        wanted = reader_certificates(
            index,
            latest.statement,
            roster.statement,
            association=association,
            audience=manifest.statement.audience,
            now=now,
        )
        entries = [
            *manifest.statement.envelopes,
            *(
                e
                for g in index.find(Grant, manifest=manifest.digest)
                for e in g.statement.envelopes
            ),
        ]
        if wanted - addressed_to(entries, Purpose.READ):
            found.add(association)
    return found


def _depositors(index: StatementIndex, association: str, now: datetime) -> list[str]:
    people = [
        each.statement.person
        for each in index.find(Certificate)
        if each.statement.organisation == association
        and Role.DEPOSITOR in each.statement.roles
        and _is_usable(index, each, now)
    ]
    return list(dict.fromkeys(people))
