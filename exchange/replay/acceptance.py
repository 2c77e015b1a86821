"""Statements, as their events come: signature at that place of the log, versions, sitting rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from audit.events import EventType
from crypto.digests import Digest
from crypto.errors import CryptoError
from crypto.statements import STATEMENT_TYPES, Statement, Unverified
from crypto.statements.custody import Emergency, Purge, Recovery
from crypto.statements.exchange import AccessRequest, Complaint, Grant, Manifest
from crypto.statements.presence import Proxy
from crypto.statements.registry import Agenda, Roster, Sitting, TrustPolicy
from crypto.trust import accept_first, accept_next
from exchange.domain.errors import RuleError
from exchange.domain.ids import SeatCode
from exchange.domain.proxies import check_proxy
from exchange.domain.sittings import check_convocation, check_revision, check_sitting
from exchange.replay.agendas import open_agenda
from exchange.replay.codes import Code
from exchange.replay.history import History, LoggedEvent
from exchange.replay.moments import when
from exchange.usecases.authority import verify_statement
from exchange.usecases.facts import (
    latest_roster,
    latest_sitting,
    person_of,
    roster_in_force,
    sitting_in_force,
)
from exchange.usecases.ledger import Accepted
from exchange.usecases.presence import proxies_of, seat_of_person
from exchange.usecases.recording import recording_of, records

_ROLES: Final = {
    event: recording.role
    for kind in STATEMENT_TYPES.values()
    if (recording := recording_of(kind)) is not None
    for event in recording.events
}
"""Under which name an event cites the statement that it records."""

_MAY_FAIL: Final = frozenset(
    {EventType.LOGIN_REFUSED, EventType.RELEASE_REFUSED, EventType.RELEASE_FAILED}
)
"""Refusals: what they cite may be the very thing that was wrong."""

_CHAINED: Final[dict[type[Statement], str | None]] = {
    Roster: None,
    Sitting: "sitting",
    Agenda: "sitting",
}


def accept(history: History, event: LoggedEvent) -> None:
    """Verify and keep the statement that an event records, if it records one."""
    role = _ROLES.get(event.type)
    if role is None or event.type in _MAY_FAIL:
        return
    digest = event.cites.get(role)
    unverified = history.statements.get(digest) if digest is not None else None
    if digest is not None and unverified is None:
        return  # reported as missing already
    if unverified is None or not records(
        event.details, type(unverified.statement), unverified.digest
    ):
        history.findings.add(Code.EVENT_UNRECORDED, event.index, type=event.type.value)
        return
    if history.ledger.get(unverified.digest) is not None:
        if not isinstance(unverified.statement, AccessRequest):  # one request, several deposits
            kind = unverified.statement.TYPE
            history.findings.add(Code.STATEMENT_TWICE, event.index, type=kind)
        return
    if _is_authentic(history, event, unverified) and _continues(history, event, unverified):
        _announce(history, event, unverified.statement)
        accepted = Accepted(unverified.statement, unverified.digest, event.index, history.at)
        history.ledger.add(accepted)
        if isinstance(unverified.statement, Agenda):
            agenda = Accepted(unverified.statement, accepted.digest, accepted.order, accepted.at)
            open_agenda(history, event, agenda)


def _is_authentic(history: History, event: LoggedEvent, unverified: Unverified[Statement]) -> bool:
    statement = unverified.statement
    try:
        if isinstance(statement, TrustPolicy):
            _accept_policy(history, unverified)
        else:
            verify_statement(history.policy, history.ledger, unverified, history.at)
    except CryptoError as error:
        history.findings.add(
            Code.STATEMENT_UNAUTHORISED, event.index, type=statement.TYPE, reason=error
        )
        return False
    return True


def _accept_policy(history: History, unverified: Unverified[Statement]) -> None:
    policy = history.statement(unverified.digest, TrustPolicy)
    assert policy is not None
    current = history.policy
    accepted = accept_next(current, policy) if current else accept_first(history.trust, policy)
    history.policies.append(accepted)


def _continues(history: History, event: LoggedEvent, unverified: Unverified[Statement]) -> bool:
    """Whether a version follows the one before it: two with one number are two histories."""
    statement: Any = unverified.statement
    if type(statement) not in _CHAINED:
        return True
    field = _CHAINED[type(statement)]
    wanted = {field: getattr(statement, field)} if field else {}
    versions: list[Accepted[Any]] = list(history.ledger.find(type(statement), **wanted))
    latest = max(versions, key=lambda each: each.statement.version, default=None)
    known = latest.statement.version if latest else 0
    if statement.version <= known:
        history.findings.add(
            Code.CHAIN_FORKED, event.index, type=statement.TYPE, version=statement.version
        )
        return False
    due: tuple[int, Digest | None] = (known + 1, latest.digest if latest else None)
    if (statement.version, statement.previous) == due:
        return True
    history.missing(
        event,
        Code.CHAIN_BROKEN,
        "suite des versions",
        type=statement.TYPE,
        version=statement.version,
        known=known,
    )
    return history.erasures.any_before(event.index)


def _announce(history: History, event: LoggedEvent, statement: Statement) -> None:
    """What is always worth a line, though it was signed by whoever may."""
    if isinstance(statement, Emergency):
        history.findings.add(
            Code.EMERGENCY,
            event.index,
            quorum=statement.quorum,
            until=when(statement.expires_at),
            reason=statement.reason,
        )
    if isinstance(statement, Recovery):
        history.findings.add(Code.RECOVERY, event.index, reason=statement.reason)
    if isinstance(statement, Purge) and statement.visa is None:
        count = len(statement.deposits)
        history.findings.add(Code.PURGE_WITHOUT_VISA, event.index, count=count)
    if isinstance(statement, Complaint):
        _say_complaint(history, event, statement)
    if isinstance(statement, Proxy):
        _say_proxy(history, event, statement)
    if isinstance(statement, Sitting):
        _check_sitting(history, event, statement, history.at)


def _say_proxy(history: History, event: LoggedEvent, statement: Proxy) -> None:
    """The same rule as the service's; a mandate never opens a dossier, it only counts a voice."""
    latest = latest_sitting(history.ledger, statement.sitting)
    person = person_of(history.ledger, statement)
    giver = seat_of_person(latest.statement, person) if latest and person else None
    if latest is None or giver is None or statement.holder is None:
        return
    given = proxies_of(history.ledger, statement.sitting)
    try:
        check_proxy(sitting_in_force(latest.statement), given, giver, SeatCode(statement.holder))
    except RuleError as error:
        history.findings.add(Code.PROXY_RULE, event.index, reason=error)


def _say_complaint(history: History, event: LoggedEvent, statement: Complaint) -> None:
    """It accuses a depositor and not the service: the verdict on the log does not hang on it."""
    about = history.ledger.get(statement.manifest)
    dossier = about.statement.dossier if about and isinstance(about.statement, Manifest) else "?"
    fault = statement.fault.value
    history.findings.add(Code.COMPLAINT, event.index, dossier=dossier, fault=fault)
    if not _was_sealed(history, statement):
        history.missing(
            event, Code.COMPLAINT_UNFOUNDED, "fondement d'un signalement", dossier=dossier
        )


def _was_sealed(history: History, complaint: Complaint) -> bool:
    """Whether the manifest, or a grant to it, holds that header for the device that complains."""
    about = history.ledger.get(complaint.manifest)
    signed = [
        each.statement.envelopes for each in history.ledger.find(Grant, manifest=complaint.manifest)
    ]
    if about is not None and isinstance(about.statement, Manifest):
        signed.append(about.statement.envelopes)
    wanted = (complaint.signer, complaint.header_sha256)
    return any(
        (entry.certificate, entry.header_sha256) == wanted
        for entries in signed
        for entry in entries
    )


def _check_sitting(history: History, event: LoggedEvent, statement: Sitting, at: datetime) -> None:
    earlier = list(history.ledger.find(Sitting, sitting=statement.sitting))
    roster = latest_roster(history.ledger)
    new = sitting_in_force(statement)
    try:
        if roster is not None:
            check_sitting(new, roster_in_force(roster.statement))
        if earlier:
            check_revision(sitting_in_force(earlier[-1].statement), new, at)
        first_call = not any(each.statement.stage is statement.stage for each in earlier)
        if first_call:
            check_convocation(new, at)
    except RuleError as error:
        history.findings.add(Code.SITTING_RULE, event.index, reason=error)
