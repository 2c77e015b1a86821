"""What each role may know of: a statement that is not one's own to see does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crypto.statements import Statement
from crypto.statements.agenda import AgendaItem, OpenedItem
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    Complaint,
    ComplementRequest,
    Grant,
    Manifest,
    Recusal,
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
    TrustPolicy,
)
from exchange.domain.ids import OrganisationCode, SeatCode
from exchange.domain.sittings import is_structurally_recused
from exchange.usecases.agendas import listed
from exchange.usecases.facts import (
    association_of,
    latest_agenda,
    latest_roster,
    latest_sitting,
    person_of,
    roster_in_force,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.service import Caller
from exchange.usecases.whole_agenda import sees_whole_agenda

OPEN_TO_ALL: Final = (TrustPolicy, Certificate, Revocation, Roster, Closing)
"""What every party must check for itself; logged each time it is read."""


def may_see_all(caller: Caller) -> bool:
    """The secretariat and the auditors see every deposit's statements (never a content)."""
    return caller.is_registrar or Role.AUDITOR in caller.roles


def may_know_sitting(index: StatementIndex, caller: Caller, sitting: str) -> bool:
    """Depositors know every sitting; members those at which they sit, or sat in some version."""
    if latest_sitting(index, sitting) is None:
        return False
    if may_see_all(caller) or Role.DEPOSITOR in caller.roles:
        return True
    return caller.person is not None and any(
        taken.person == caller.person
        for version in index.find(Sitting, sitting=sitting)
        for taken in version.statement.seats
    )


def may_know_deposit(index: StatementIndex, caller: Caller, manifest: Accepted[Manifest]) -> bool:
    """The association knows its own; a member what is on the agenda and not recused from."""
    if may_see_all(caller):
        return True
    association, statement = association_of(index, manifest.statement), manifest.statement
    if association is None:
        return False
    if Role.DEPOSITOR in caller.roles and association == caller.organisation:
        return True
    return (
        Role.MEMBER in caller.roles
        and _is_listed(index, manifest)
        and not _is_recused(index, caller, statement.sitting, statement.dossier, association)
    )


def may_know(index: StatementIndex, caller: Caller, statement: Statement) -> bool:
    """Whether the caller may be shown a statement, of whatever type."""
    own = caller.signer is not None and statement.signer == caller.signer
    if own or may_see_all(caller) or isinstance(statement, OPEN_TO_ALL):
        return True
    match statement:
        case Sitting() | Agenda() | Attendance():
            return may_know_sitting(index, caller, statement.sitting)
        case Complaint():
            return _is_depositors(index, caller, statement)
        case Destruction():
            return _knows_every_key(index, caller, statement)
        case Manifest() | ReleaseKey() | Grant() | Withdrawal() | ComplementRequest():
            known = _manifests(index, statement)
            return any(may_know_deposit(index, caller, each) for each in known)
        case _:
            return _is_own(index, caller, statement)


def _is_own(index: StatementIndex, caller: Caller, statement: Statement) -> bool:
    """Declarations, recusals, undertakings, requests: one's own, whatever device signed. A proxy is
    also the holder's to know.
    """
    people: set[str | None] = {person_of(index, statement)}
    if isinstance(statement, Proxy):
        people.add(_holder(index, statement))
    return caller.person is not None and caller.person in people


def _holder(index: StatementIndex, proxy: Proxy) -> str | None:
    """Who speaks for the giver, by the sitting's latest version."""
    latest = latest_sitting(index, proxy.sitting)
    seats = latest.statement.seats if latest else ()
    return next((each.person for each in seats if each.seat == proxy.holder), None)


def _knows_every_key(index: StatementIndex, caller: Caller, destruction: Destruction) -> bool:
    """A destruction counts deposits and says that something was withdrawn: only to those who may
    know of every deposit in it, or the recused would learn of a withdrawal and of its size.
    """
    for digest in destruction.release_keys:
        key = index.get(digest)
        if key is None or not may_know(index, caller, key.statement):
            return False
    return bool(destruction.release_keys)


def _is_depositors(index: StatementIndex, caller: Caller, statement: Complaint) -> bool:
    """The association that sealed the dossier can grant again; other members learn nothing."""
    about = index.get(statement.manifest)
    if about is None or not isinstance(about.statement, Manifest):
        return False
    own = association_of(index, about.statement) == caller.organisation
    return Role.DEPOSITOR in caller.roles and own


def _manifests(
    index: StatementIndex, statement: Manifest | ReleaseKey | Grant | Withdrawal | ComplementRequest
) -> Sequence[Accepted[Manifest]]:
    """The deposits that a statement is about."""
    match statement:
        case Withdrawal() | ComplementRequest():
            return index.find(Manifest, dossier=statement.dossier)
        case Grant():
            about = index.get(statement.manifest)
            deposit = (
                about.statement.deposit if about and isinstance(about.statement, Manifest) else ""
            )
            return index.find(Manifest, deposit=deposit)
        case _:
            return index.find(Manifest, deposit=statement.deposit)


def _is_listed(index: StatementIndex, manifest: Accepted[Manifest]) -> bool:
    items = listed(index, latest_agenda(index, manifest.statement.sitting))
    return any(manifest.digest in item.manifests for item in items)


def visible_items(
    index: StatementIndex, caller: Caller, agenda: Accepted[Agenda]
) -> tuple[OpenedItem, ...]:
    """The items of an agenda that this caller may know; decoys to those from whom nothing is kept."""
    shown, sitting = index.opened(agenda.digest), agenda.statement.sitting
    everything = may_see_all(caller) or (
        Role.MEMBER in caller.roles
        and caller.person is not None
        and sees_whole_agenda(index, sitting, caller.person, caller.organisation)
    )
    if everything:
        return tuple(shown)
    return tuple(
        each for each in shown if each.item and _may_know_item(index, caller, sitting, each.item)
    )


def _may_know_item(index: StatementIndex, caller: Caller, sitting: str, item: AgendaItem) -> bool:
    if Role.DEPOSITOR in caller.roles and item.association == caller.organisation:
        return True
    return Role.MEMBER in caller.roles and not _is_recused(
        index, caller, sitting, item.dossier, item.association
    )


def _is_recused(
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
    # All recusals of the sitting at once: one look-up, however many dossiers there are.
    return any(
        dossier in each.statement.dossiers and person_of(index, each.statement) == caller.person
        for each in index.find(Recusal, sitting=sitting)
    )
