"""The end of what the log tells: which details may be erased, and their erasure.

What a ``retention`` names is erased together: details and openings, the statements that those events
recorded, the rows of those releases, and what an agenda listed once all its deposits are erased. The
leaves and the tree stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from audit.checkpoint import Checkpoint
from audit.entries import parse_leaf
from audit.events import EventDetails, EventType
from crypto.digests import Digest
from crypto.statements import STATEMENT_TYPES, Statement
from crypto.statements.custody import (
    Attestation,
    Destruction,
    Emergency,
    IndexRange,
    Recovery,
    ReleaseKey,
    Retention,
)
from crypto.statements.exchange import (
    AccessRequest,
    Complaint,
    ComplementRequest,
    Decision,
    Declaration,
    Grant,
    Login,
    Manifest,
    Opinion,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.presence import Proxy
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Revocation,
    Roster,
    Sitting,
    TrustPolicy,
)
from exchange.usecases.errors import NotAllowedError, NotFoundError
from exchange.usecases.index_ranges import ranges_of
from exchange.usecases.ports import UnitOfWork
from exchange.usecases.reading import record_reading
from exchange.usecases.record import present, publish, record_event
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller

REGISTRY: Final = (
    *(TrustPolicy, Certificate, Revocation, Roster, Sitting, Agenda, ReleaseKey),
    *(Destruction, Retention, Attestation, Emergency, Recovery),
)
"""Statements whose events are never erased. By the first kinds every release that is still disclosed
is judged, and their events name no access; the others say that keys were destroyed, what was erased by
which rule, and why a checkpoint counts. Of a dossier nothing is left but its deposit's random id."""

ERASED: Final = (
    *(Manifest, Grant, Withdrawal, ComplementRequest, Complaint, Opinion, Decision),
    *(AccessRequest, Login, Undertaking, Declaration, Recusal, Proxy),
)
"""Statements that go with the events which recorded them: what was asked, declared and granted, by whom
and of which dossier. Closings, purges, holds and destructions stay; they name no person."""

PAGE: Final = 256
"""Entries read at a time: one tile."""


@dataclass(frozen=True)
class Erasable:
    """What a registrar may have erased now. ``unattested``: entries past their time that no auditor
    has attested yet.
    """

    ranges: tuple[IndexRange, ...]
    unattested: int


def erasable(service: Service, caller: Caller, dossier: str | None) -> Erasable:
    """The entries, of one dossier or of all, that a ``retention`` of today would be accepted for.

    For registrars; the reading is logged. Raises NotFoundError for an unknown dossier.
    """
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        if not caller.is_registrar:
            raise NotAllowedError("Seul le secrétariat prépare un effacement du journal.")
        record_reading(service, work, caller, "retention")
        work.commit()
    publish(service)
    past = entries_before(service, youngest_day(service, present(service)))
    with service.transactions() as work:
        concerned = _of_dossier(work, dossier) if dossier is not None else None
        recorded = work.statements.recorded_between(0, past - 1)
        attested = [each.statement for each in work.statements.find(Attestation)]
    kept = {index for index, each in recorded if isinstance(each.statement, REGISTRY)}
    wanted = [
        index
        for index, details in _disclosed(service, 0, past)
        if index not in kept and (concerned is None or concerned.includes(details))
    ]
    covered = {
        index
        for statement in attested
        for each in statement.ranges
        for index in range(each.first, min(each.last + 1, past))
    }
    ready = [index for index in wanted if index in covered]
    return Erasable(ranges_of(ready), len(wanted) - len(ready))


def youngest_day(service: Service, now: datetime) -> date:
    """The last day whose entries are at the end of their retention."""
    return (now - service.limits.retention).date()


def entries_before(service: Service, youngest: date) -> int:
    """How many entries from the first on are of that day or earlier; days never go back."""
    note = service.log.checkpoint()
    low, high = 0, Checkpoint.of_note(note).size if note else 0
    while low < high:
        middle = (low + high) // 2
        (leaf,) = service.log_store.leaves(middle, 1)
        if parse_leaf(leaf).day <= youngest:
            low = middle + 1
        else:
            high = middle
    return low


def _names_no_other(work: UnitOfWork, statement: Statement, dossier: str) -> bool:
    """A declaration of several dossiers goes with the last of them: the others are judged by it."""
    others = set(getattr(statement, "dossiers", ())) - {dossier}
    return not any(
        work.events.is_disclosed(each.order)
        for other in others
        for each in work.statements.find(Manifest, dossier=other)
    )


@dataclass(frozen=True)
class _Concerned:
    deposits: frozenset[str]
    statements: frozenset[Digest]

    def includes(self, details: EventDetails) -> bool:
        """Whether an event is about the dossier: by its deposit, or by a statement that names it."""
        return details.facts.get("deposit") in self.deposits or not self.statements.isdisjoint(
            details.cites.values()
        )


def _of_dossier(work: UnitOfWork, dossier: str) -> _Concerned:
    manifests = work.statements.find(Manifest, dossier=dossier)
    if not manifests:
        raise NotFoundError("Le dossier {dossier} n'existe pas.", dossier=dossier)
    named = {
        each.digest
        for kind in STATEMENT_TYPES.values()
        if kind in ERASED
        for each in work.statements.find(kind, dossier=dossier)
        if _names_no_other(work, each.statement, dossier)
    }
    for manifest in manifests:
        for kind in (Grant, Complaint):
            named |= {each.digest for each in work.statements.find(kind, manifest=manifest.digest)}
    return _Concerned(frozenset(each.statement.deposit for each in manifests), frozenset(named))


def _disclosed(service: Service, first: int, end: int) -> Iterator[tuple[int, EventDetails]]:
    for start in range(first, end, PAGE):
        for each in service.log_store.disclosures(start, min(PAGE, end - start)):
            yield each.index, EventDetails.parse(each.details)


# --- erasing ------------------------------------------------------------------------------------


def apply_retention(service: Service, retention: Digest) -> None:
    """Erase what an accepted retention names; ``retention.applied``.

    Erasing and its event are one transaction; a second call finds nothing left and adds none.
    """
    with service.transactions() as work:
        accepted = work.statements.get(retention)
        assert accepted is not None
        assert isinstance(accepted.statement, Retention)
        ranges = accepted.statement.ranges
    # Read before: an event that is logged meanwhile cites nothing of a sitting that is over.
    cited = _cited_by_others(service, ranges)
    with service.transactions() as work:
        erased = sum(work.events.erase_disclosures(each.first, each.last) for each in ranges)
        if erased:
            _erase_statements(work, cited, present(service))
            for each in ranges:
                work.releases.forget_between(each.first, each.last)
            _erase_agendas(work)
            record_event(
                service,
                work,
                EventType.RETENTION_APPLIED,
                at=present(service),
                cites={"retention": retention},
            )
            work.commit()
    publish(service)


def _cited_by_others(service: Service, ranges: Sequence[IndexRange]) -> frozenset[Digest]:
    """What events outside of ``ranges`` cite: a statement that is needed there stays.

    Looked up from the beginning: a statement whose own event went earlier may be cited by one that is
    older than all of ``ranges``. A destruction keeps nothing: its event stays for good, and would keep
    for good the withdrawal that it names.
    """
    note = service.log.checkpoint()
    end = Checkpoint.of_note(note).size if note else 0
    gone = {index for each in ranges for index in range(each.first, each.last + 1)}
    return frozenset(
        digest
        for index, details in _disclosed(service, 0, end)
        if index not in gone and details.type is not EventType.KEY_DESTROYED
        for digest in details.cites.values()
    )


def _erase_statements(work: UnitOfWork, cited: frozenset[Digest], now: datetime) -> None:
    """Also those that an earlier retention had to leave, because they were still needed then."""
    needed = cited | {each.digest for each in work.statements.unacknowledged()}
    doomed = work.statements.undisclosed()
    going = {each.digest for each in doomed}
    # Its months are counted by its manifests, as long as a pathway goes on.
    pathways = {
        each.statement.pathway
        for each in work.statements.find(Manifest)
        if each.digest not in going
    }
    running = _running(work, now)
    for each in doomed:
        statement = each.statement
        if (
            isinstance(statement, ERASED)
            and each.digest not in needed
            and getattr(statement, "sitting", None) not in running
            and not (isinstance(statement, Manifest) and statement.pathway in pathways)
        ):
            work.statements.erase(each.digest)


def _running(work: UnitOfWork, now: datetime) -> set[str]:
    """The sittings that have not closed, by their latest versions: until then it is decided who reads."""
    latest = {each.statement.sitting: each.statement for each in work.statements.find(Sitting)}
    return {sitting for sitting, version in latest.items() if version.closes_at > now}


def _erase_agendas(work: UnitOfWork) -> None:
    """Forget of each agenda the dossiers whose deposits were all erased: no release of theirs can be
    judged again, and their references would be all that is left. With the last one its decoys go.
    """
    for agenda in work.statements.find(Agenda):
        opened = work.statements.opened(agenda.digest)
        over = {
            each.commitment
            for each in opened
            if each.item is not None and not _is_disclosed(work, each.item.manifests)
        }
        if over and all(each.item is None or each.commitment in over for each in opened):
            over = {each.commitment for each in opened}
        work.statements.erase_openings(agenda.digest, over)


def _is_disclosed(work: UnitOfWork, manifests: Sequence[Digest]) -> bool:
    """Whether the event of any of these still has its details."""
    found = [work.statements.get(digest) for digest in manifests]
    return any(each is not None and work.events.is_disclosed(each.order) for each in found)
