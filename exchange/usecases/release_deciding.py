"""What was judged becomes events, and what the broker will be shown: in one transaction, before anything
is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements.agenda import AgendaOpening
from crypto.statements.exchange import AccessRequest, Manifest
from exchange.domain.refusals import MESSAGES
from exchange.usecases.access import grounds_of
from exchange.usecases.facts import (
    SealedEnvelope,
    latest_agenda,
    manifest_of,
    sealed_envelope,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import NewStatement, ReleaseRecord, UnitOfWork
from exchange.usecases.record import Filed, Happening, filed_all, record_events
from exchange.usecases.release_judging import Asked, Judged, Verdict
from exchange.usecases.service import Service


@dataclass(frozen=True)
class Material:
    """What the broker is shown for one deposit, and the reader with the header."""

    statements: tuple[Filed, ...]
    manifest: Filed
    grant: Filed | None
    item: AgendaOpening | None
    envelope: bytes

    @property
    def tickets(self) -> set[int]:
        """Of the events whose receipts go with it."""
        shown = (*self.statements, self.manifest, *([self.grant] if self.grant else ()))
        return {each.ticket for each in shown}


@dataclass(frozen=True)
class Authorised:
    """One deposit that may be opened."""

    record: ReleaseRecord
    material: Material | None
    """None when its envelope is gone."""


@dataclass(frozen=True)
class Refused:
    """One that may not, with the ticket of the event that says so."""

    deposit: str
    reason: str
    message: str
    params: dict[str, object]
    ticket: int


@dataclass
class Decided:
    """One request, deposit by deposit."""

    asked: Asked
    authorised: list[Authorised] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def decide_together(
    service: Service, work: UnitOfWork, judged: Sequence[Judged], now: datetime
) -> list[Decided]:
    """Append an event for each verdict that is new, and keep each request with its first event."""
    news = [(each, one) for each in judged for one in each.verdicts if one.record is None]
    tickets = record_events(service, work, [_happening(work, *each) for each in news], at=now)
    logged = {
        (each.asked.request.digest, one.deposit): ticket
        for (each, one), ticket in zip(news, tickets, strict=True)
    }
    _keep_requests(work, judged, logged, now)
    records = [
        _record(each, one, logged) for each in judged for one in each.verdicts if not one.reason
    ]
    new = set(tickets)
    work.releases.add_all([each for each in records if each.ticket in new])
    materials = _materials(work, judged, records)
    return [_decided(each, logged, materials) for each in judged]


def _happening(work: UnitOfWork, judged: Judged, verdict: Verdict) -> Happening:
    request = judged.asked.statement
    facts = {"deposit": verdict.deposit, "purpose": request.purpose.value}
    if verdict.reason is None:
        kind, cites = (
            EventType.RELEASE_AUTHORISED,
            grounds_of(work.statements, request, verdict.deposit),
        )
    else:
        kind, cites = EventType.RELEASE_REFUSED, {"certificate": request.signer}
        facts["reason"] = verdict.reason.value
    return Happening(kind, {**cites, "access_request": judged.asked.request.digest}, facts)


def _keep_requests(
    work: UnitOfWork,
    judged: Sequence[Judged],
    logged: dict[tuple[Digest, str], int],
    now: datetime,
) -> None:
    work.statements.add_all(
        [
            NewStatement(
                each.verified.statement,
                each.verified.digest,
                each.verified.envelope,
                logged[each.verified.digest, each.verdicts[0].deposit],
                now,
            )
            for each in judged
            if not each.spent
        ]
    )


def _record(
    judged: Judged, verdict: Verdict, logged: dict[tuple[Digest, str], int]
) -> ReleaseRecord:
    if verdict.record is not None:
        return verdict.record
    request = judged.asked.request
    ticket = logged[request.digest, verdict.deposit]
    return ReleaseRecord(
        request.digest, verdict.deposit, request.statement.signer, ticket, None, None
    )


def _decided(
    judged: Judged,
    logged: dict[tuple[Digest, str], int],
    authorised: dict[tuple[Digest, str], Authorised],
) -> Decided:
    decided, digest = Decided(judged.asked), judged.asked.request.digest
    for each in judged.verdicts:
        key = digest, each.deposit
        if each.reason is None:
            decided.authorised.append(authorised[key])
        else:
            message = MESSAGES[each.reason]
            decided.refused.append(
                Refused(each.deposit, each.reason.value, message, {}, logged[key])
            )
    return decided


# --- what the broker is shown ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Sought:
    """Where the envelope of a release is named."""

    record: ReleaseRecord
    request: AccessRequest
    manifest: Accepted[Manifest]
    sealed: SealedEnvelope


def _materials(
    work: UnitOfWork, judged: Sequence[Judged], records: Sequence[ReleaseRecord]
) -> dict[tuple[Digest, str], Authorised]:
    """As it is when the release is decided: whatever comes after, the broker itself knows of."""
    requests = {each.asked.request.digest: each.asked.statement for each in judged}
    sought = [_sought(work.statements, requests[each.request], each) for each in records]
    found = [each for each in sought if each is not None]
    envelopes = work.deposits.envelopes(
        [(each.record.deposit, each.sealed.entry.envelope_sha256) for each in found]
    )
    materials = {(each.request, each.deposit): Authorised(each, None) for each in records}
    for each in found:
        envelope = envelopes.get((each.record.deposit, each.sealed.entry.envelope_sha256))
        if envelope:
            key = each.record.request, each.record.deposit
            materials[key] = Authorised(each.record, _material(work, each, envelope))
    return materials


def _sought(index: StatementIndex, request: AccessRequest, record: ReleaseRecord) -> _Sought | None:
    manifest = manifest_of(index, record.deposit)
    sealed = manifest and sealed_envelope(index, manifest, request.signer, request.purpose)
    return _Sought(record, request, manifest, sealed) if manifest and sealed else None


def _material(work: UnitOfWork, sought: _Sought, envelope: bytes) -> Material:
    index, manifest, sealed = work.statements, sought.manifest, sought.sealed
    rests_on = grounds_of(index, sought.request, sought.record.deposit)
    accepted = [index.get(digest) for digest in rests_on.values()]
    shown = filed_all(work, [each for each in accepted if each])
    by_digest = {each.digest: each for each in shown}
    return Material(
        tuple(shown),
        by_digest[manifest.digest],
        by_digest[sealed.grant.digest] if sealed.grant else None,
        _listed_as(index, sought.request.sitting, manifest.digest),
        envelope,
    )


def _listed_as(index: StatementIndex, sitting: str, manifest: Digest) -> AgendaOpening | None:
    """The opening of this one dossier, which alone the broker is shown of the agenda."""
    agenda = latest_agenda(index, sitting)
    shown = index.opened(agenda.digest) if agenda else ()
    found = (each.shown for each in shown if each.item and manifest in each.item.manifests)
    return next(found, None)
