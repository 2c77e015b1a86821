"""Everything of a sitting that one caller needs and may see, each with its receipt."""

from __future__ import annotations

from collections.abc import Iterator

from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    Declaration,
    Grant,
    Manifest,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Role,
    Roster,
    Sitting,
)
from exchange.domain.ids import OrganisationCode, SeatCode
from exchange.domain.sittings import is_structurally_recused
from exchange.usecases.errors import NotFoundError
from exchange.usecases.facts import (
    association_of,
    latest_agenda,
    latest_roster,
    latest_sitting,
    person_of,
    recusal_of,
    roster_in_force,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.reading import Reading, answer, record_reading
from exchange.usecases.record import filed, present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller


def read_sitting(service: Service, caller: Caller, sitting: str) -> Reading:
    """The registry around a sitting, and the deposits that this caller may know of."""
    with service.transactions() as work:
        require_caller(service, work, caller, present(service))
        if not _may_see(work.statements, caller, sitting):
            raise NotFoundError("Cette séance est inconnue de ce service.")
        found = {each.digest: each for each in _registry(work.statements, caller, sitting)}
        for each in _deposits(work.statements, caller, sitting):
            found[each.digest] = each
        ordered = sorted(found.values(), key=lambda each: each.order)
        waiting = [filed(work, each) for each in ordered]
        ticket = record_reading(service, work, caller, "sitting")
        work.commit()
    return answer(service, waiting, ticket)


def may_see_all(caller: Caller) -> bool:
    """The secretariat and the auditors see every deposit's statements (never a content)."""
    return caller.is_registrar or Role.AUDITOR in caller.roles


def _may_see(index: StatementIndex, caller: Caller, sitting: str) -> bool:
    latest = latest_sitting(index, sitting)
    if latest is None:
        return False
    if may_see_all(caller) or Role.DEPOSITOR in caller.roles:
        return True
    return any(
        taken.person == caller.person
        for version in index.find(Sitting, sitting=sitting)
        for taken in version.statement.seats
    )


def _registry(index: StatementIndex, caller: Caller, sitting: str) -> Iterator[Accepted[Statement]]:
    yield from index.find(Roster)
    yield from index.find(Sitting, sitting=sitting)
    # To everybody: a status names the agenda in force, and each client checks that it saw it.
    yield from index.find(Agenda, sitting=sitting)
    yield from index.find(Closing, sitting=sitting)
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


def _deposits(index: StatementIndex, caller: Caller, sitting: str) -> Iterator[Accepted[Statement]]:
    destructions = index.find(Destruction)
    for manifest in index.find(Manifest, sitting=sitting):
        if not _may_know(index, caller, sitting, manifest):
            continue
        statement = manifest.statement
        yield manifest
        yield from index.find(ReleaseKey, deposit=statement.deposit)
        yield from index.find(Grant, manifest=manifest.digest)
        yield from index.find(Withdrawal, dossier=statement.dossier)
        for destruction in destructions:
            if statement.release_key_sha256 in destruction.statement.release_keys:
                yield destruction


def _may_know(
    index: StatementIndex, caller: Caller, sitting: str, manifest: Accepted[Manifest]
) -> bool:
    association = association_of(index, manifest.statement)
    if may_see_all(caller):
        return True
    if Role.DEPOSITOR in caller.roles and association == caller.organisation:
        return True
    if Role.MEMBER not in caller.roles or association is None:
        return False
    return _on_agenda(index, sitting, manifest.digest) and not _recused(
        index, caller, sitting, manifest.statement.dossier, association
    )


def _on_agenda(index: StatementIndex, sitting: str, manifest: Digest) -> bool:
    agenda = latest_agenda(index, sitting)
    return agenda is not None and any(manifest in item.manifests for item in agenda.statement.items)


def _recused(
    index: StatementIndex, caller: Caller, sitting: str, dossier: str, association: str
) -> bool:
    latest, roster = latest_sitting(index, sitting), latest_roster(index)
    if latest is None or roster is None or caller.person is None:
        return True
    taken = next((each for each in latest.statement.seats if each.person == caller.person), None)
    if taken is None:
        return True  # no longer seated: nothing more of any dossier
    seat = roster_in_force(roster.statement).seat(SeatCode(taken.seat))
    own = OrganisationCode(caller.organisation or "")
    if is_structurally_recused(seat, own, OrganisationCode(association)):
        return True
    return recusal_of(index, sitting, dossier, caller.person) is not None
