"""Everything of a sitting that one caller needs and may see, each with its receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import AgendaOpening, OpenedItem
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    Complaint,
    ComplementRequest,
    Declaration,
    Grant,
    Manifest,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.presence import Attendance, Proxy
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Role,
    Roster,
    Sitting,
)
from exchange.usecases.errors import NotFoundError
from exchange.usecases.facts import latest_agenda, person_of
from exchange.usecases.foresight import foresee_around, foresee_listed
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import Statements
from exchange.usecases.reading import Reading, answer, record_reading
from exchange.usecases.record import filed_all, present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller
from exchange.usecases.visibility import (
    may_know,
    may_know_deposit,
    may_know_sitting,
    may_see_all,
    visible_items,
)


@dataclass(frozen=True)
class SittingRead(Reading):
    """A sitting's statements, and what its agenda in force lists for this caller."""

    agenda: Digest | None
    openings: tuple[AgendaOpening, ...]


def read_sitting(service: Service, caller: Caller, sitting: str) -> SittingRead:
    """The registry around a sitting, and the deposits that this caller may know of."""
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        index = work.statements
        if not may_know_sitting(index, caller, sitting):
            raise NotFoundError("Cette séance est inconnue de ce service.")
        agenda = latest_agenda(index, sitting)
        items = visible_items(index, caller, agenda) if agenda else ()
        found = {each.digest: each for each in _registry(index, caller, sitting)}
        for each in _deposits(index, caller, sitting, items):
            found[each.digest] = each
        ordered = sorted(found.values(), key=lambda each: each.order)
        waiting = filed_all(work, ordered)
        ticket = record_reading(service, work, caller, "sitting")
        work.commit()
    reading = answer(service, waiting, ticket)
    return SittingRead(
        reading.statements,
        reading.receipt,
        agenda.digest if agenda else None,
        tuple(each.shown for each in items),
    )


def _registry(index: StatementIndex, caller: Caller, sitting: str) -> Iterator[Accepted[Statement]]:
    yield from index.find(Roster)
    yield from index.find(Sitting, sitting=sitting)
    # To everybody: a status names the agenda in force, and each client checks that it saw it. It
    # holds commitments alone; what each lists is shown by its opening.
    yield from index.find(Agenda, sitting=sitting)
    yield from index.find(Closing, sitting=sitting)
    yield from index.find(Attendance, sitting=sitting)
    for proxy in index.find(Proxy, sitting=sitting):
        if may_know(index, caller, proxy.statement):
            yield proxy
    yield from index.find(Revocation)
    seated = {
        digest
        for version in index.find(Sitting, sitting=sitting)
        for taken in version.statement.seats
        for digest in taken.certificates
    }
    for certificate in index.find(Certificate):
        statement = certificate.statement
        if (
            may_see_all(caller)
            or certificate.digest in seated
            or statement.organisation == caller.organisation
            or Role.DEPOSITOR in statement.roles
        ):
            yield certificate
    for kind in (Undertaking, Declaration, Recusal):
        for own in index.find(kind):
            if may_see_all(caller) or person_of(index, own.statement) == caller.person:
                yield own


def _deposits(
    index: Statements, caller: Caller, sitting: str, items: Sequence[OpenedItem]
) -> Iterator[Accepted[Statement]]:
    visible = list(_manifests(index, caller, sitting, items))
    foresee_around(index, visible)
    for manifest in visible:
        statement = manifest.statement
        yield manifest
        keys = index.find(ReleaseKey, deposit=statement.deposit)
        yield from keys
        yield from index.find(Grant, manifest=manifest.digest)
        for complaint in index.find(Complaint, manifest=manifest.digest):
            if may_know(index, caller, complaint.statement):
                yield complaint
        yield from index.find(ComplementRequest, dossier=statement.dossier)
        yield from index.find(Withdrawal, dossier=statement.dossier)
        for destruction in index.find(Destruction):
            ended = destruction.statement
            mine = not {key.digest for key in keys}.isdisjoint(ended.release_keys)
            if mine and may_know(index, caller, ended):
                yield destruction


def _manifests(
    index: Statements, caller: Caller, sitting: str, items: Sequence[OpenedItem]
) -> Iterator[Accepted[Manifest]]:
    """Those that the caller may know. A member's are looked up from the agenda's visible items alone:
    how long that takes does not depend on the dossiers that they are recused from.
    """
    if may_see_all(caller) or Role.DEPOSITOR in caller.roles:
        for manifest in index.find(Manifest, sitting=sitting):
            if may_know_deposit(index, caller, manifest):
                yield manifest
        return
    listed = [each for opened in items if opened.item for each in opened.item.manifests]
    foresee_listed(index, listed)
    for digest in listed:
        accepted = index.get(digest)
        if accepted is not None and isinstance(accepted.statement, Manifest):
            yield cast("Accepted[Manifest]", accepted)
