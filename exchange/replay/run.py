"""The auditor's verification of a bundle, from the pinned trust to the last line of the record.

Order: trust policies to the root; the log's structure; every event in its order, over the same
ledger, authority and policy that the service runs; then what must hold at the end; then the index
and the broker's record. A broken structure does not stop the rest: what else is wrong is worth
knowing, and the verdict says that it cannot be relied on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import AuditError, LogFormatError
from audit.events import EventDetails, EventType
from audit.policy import BROKER, LogPolicy
from audit.ports import Disclosure
from audit.seen import Contradiction, Seen, contradictions
from audit.verify import LogReport, verify_log
from crypto.digests import Digest
from crypto.errors import CryptoError
from crypto.statements import Statement, Unverified, parse, parse_any
from crypto.statements.custody import Emergency, Recovery
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust, TrustedPolicy, accept_chain
from exchange.replay import deposits, endings, releases
from exchange.replay.acceptance import accept
from exchange.replay.agendas import openings_of
from exchange.replay.bundle import Bundle, BundledLog
from exchange.replay.codes import Code
from exchange.replay.exported import check_index
from exchange.replay.findings import Findings
from exchange.replay.history import History, LoggedEvent
from exchange.replay.reconcile import reconcile
from exchange.replay.report import Report
from exchange.replay.retention import Erasures, erasures_of
from exchange.replay.summary import CHECK_SEEN, broken_report, summarise
from exchange.usecases.bundle_layout import (
    decode_disclosure,
    disclosure_indices,
    statement_digests,
)
from exchange.usecases.emergency import log_rules

TIME_TOLERANCE: Final = timedelta(minutes=5)
"""Workers on several hosts order events by commit; their clocks may differ a little."""

_Statements = Mapping[Digest, Unverified[Statement]]

_HANDLERS: Final = {
    EventType.DEPOSIT_BEGUN: deposits.begun,
    EventType.DEPOSIT_COMMITTED: deposits.committed,
    EventType.DEPOSIT_REKEYED: deposits.rekeyed,
    EventType.GRANT_ADDED: deposits.grant_added,
    EventType.RELEASE_AUTHORISED: releases.authorised,
    EventType.RELEASE_REFUSED: releases.refused,
    EventType.PAYLOAD_READ: releases.payload_read,
    EventType.KEY_DESTROYED: endings.key_destroyed,
    EventType.PURGE_DONE: endings.purge_done,
}
"""What each type is checked for, besides the statement that it records."""


_CONTRADICTIONS: Final = {
    Contradiction.FORKED: Code.LOG_FORKED,
    Contradiction.ROLLED_BACK: Code.LOG_ROLLED_BACK,
}


def replay(
    bundle: Bundle,
    trust: Trust,
    now: datetime,
    *,
    exported: bool = True,
    seen: Sequence[Seen] = (),
    workers: Executor | None = None,
) -> Report:
    """Verify a bundle. ``exported`` False: a copy read directly from the service, without index.
    ``seen``: what this reader verified before, of this log or of others. ``workers``: processes that
    hash a large log's entries.

    Raises BundleError when the files cannot be read at all; everything else is in the report.
    """
    findings = Findings()
    statements = _statements(bundle, findings)
    policy = _latest_policy(trust, statements, findings)
    if policy is None:
        return broken_report(findings)
    events: list[LoggedEvent] = []
    rules = log_rules(policy, emergencies_among(statements))
    log = _structure(bundle, rules, findings, events, workers)
    erasures, openings = _erasures(log, events, statements), openings_of(bundle, findings)
    history = History(trust, statements, erasures, openings, findings)
    history.erasures.report(findings)
    for event in events:
        _step(history, event)
    head_at = _head_time(log, history.at)
    endings.check_destructions(history, head_at)
    _check_ends(history, events, head_at)
    _check_unlogged(history)
    exporter = check_index(history, bundle) if exported else None
    opened = reconcile(history, bundle, log.size, head_at)
    against = _contradicted(bundle, log, head_at, _unexplained(history, seen), findings)
    if not log.independent_witnesses:
        findings.add(Code.NO_INDEPENDENT_WITNESS)
    if now >= policy.policy.expires_at:
        expired = f"{policy.policy.expires_at:%d/%m/%Y}"
        findings.add(Code.POLICY_EXPIRED, version=policy.policy.version, expired=expired)
    report = summarise(history, log, policy, exporter, opened, head_at, exported=exported)
    checks = (*report.checks, *((CHECK_SEEN,) if seen else ()))
    return replace(report, checks=checks, contradicted=against)


def _statements(bundle: Bundle, findings: Findings) -> dict[Digest, Unverified[Statement]]:
    """Every statement file under the digest of what it holds, which must be its name."""
    found: dict[Digest, Unverified[Statement]] = {}
    for path, digest in statement_digests(bundle.paths()):
        try:
            unverified = parse_any(bundle.read(path) or b"")
        except CryptoError as error:
            findings.add(Code.STATEMENT_ALTERED, path=path, reason=error)
            continue
        if unverified.digest != digest:
            findings.add(Code.STATEMENT_ALTERED, path=path, reason="")
            continue
        found[digest] = unverified
    return found


def _latest_policy(
    trust: Trust, statements: _Statements, findings: Findings
) -> TrustedPolicy | None:
    policies = [
        parse(TrustPolicy, each.envelope)
        for each in statements.values()
        if isinstance(each.statement, TrustPolicy)
    ]
    policies.sort(key=lambda each: each.statement.version)
    try:
        policy = accept_chain(trust, policies)
        log_rules(policy, ())
    except (CryptoError, AuditError) as error:
        findings.add(Code.TRUST, reason=error)
        return None
    return policy


def emergencies_among(statements: _Statements) -> list[Unverified[Emergency]]:
    """The emergencies of a bundle, to be verified by ``log_rules``."""
    return [
        parse(Emergency, each.envelope)
        for each in statements.values()
        if isinstance(each.statement, Emergency)
    ]


def _structure(
    bundle: Bundle,
    rules: LogPolicy,
    findings: Findings,
    events: list[LoggedEvent],
    workers: Executor | None,
) -> LogReport:
    def observe(index: int, details: EventDetails) -> None:
        events.append(LoggedEvent(index, details))

    shown = _disclosures(bundle, findings)
    report = verify_log(BundledLog(bundle), rules, shown, observe, workers)
    for each in report.findings:
        findings.add(Code.LOG, where=f"{each.kind.value} {each.where}", reason=str(each))
    return report


def _disclosures(bundle: Bundle, findings: Findings) -> Iterator[Disclosure]:
    for index, path in disclosure_indices(bundle.paths()):
        try:
            yield decode_disclosure(index, bundle.read(path) or b"")
        except LogFormatError:
            findings.add(Code.DISCLOSURE_MALFORMED, index, path=path)


def _erasures(log: LogReport, events: list[LoggedEvent], statements: _Statements) -> Erasures:
    accepted_at = {
        event.cites["statement"]: event.index
        for event in events
        if event.type is EventType.STATEMENT_ACCEPTED and "statement" in event.cites
    }
    return erasures_of(log.undisclosed, statements, accepted_at)


def _may_be_erased(history: History, event: LoggedEvent, role: str) -> bool:
    """A destruction stays longer than the withdrawal that it names, which goes with the dossier; that
    one is missing while its own event is still there, is noticed at that event.
    """
    because = event.type is EventType.KEY_DESTROYED and role == "because"
    return because and history.erasures.any_before(event.index)


def _step(history: History, event: LoggedEvent) -> None:
    """One event: its time, what it cites, what it may say, and what it adds."""
    history.counts[event.type] += 1
    at = event.details.at
    if at < history.at - TIME_TOLERANCE:
        history.findings.add(Code.EVENT_BACKWARDS, event.index, at=at, before=history.at)
    history.at = max(history.at, at)
    for role, digest in event.cites.items():
        history.cited.add(digest)
        if digest not in history.statements and not _may_be_erased(history, event, role):
            history.findings.add(Code.STATEMENT_MISSING, event.index, role=role, digest=digest)
    # Before the recorded statement joins the ledger: a release is decided from what came before.
    handler = _HANDLERS.get(event.type)
    if event.type is EventType.GRANT_ADDED:
        accept(history, event)
        deposits.grant_added(history, event)
        return
    if handler is not None:
        handler(history, event)
    accept(history, event)


def _head_time(log: LogReport, last_event: datetime) -> datetime:
    """When the broker cosigned; without a good checkpoint, what the events themselves say."""
    if log.checkpoint is None:
        return last_event
    return datetime.fromtimestamp(log.checkpoint.cosigned[BROKER], UTC)


def _check_ends(history: History, events: list[LoggedEvent], head_at: datetime) -> None:
    """No event may be dated after the broker cosigned the log that contains it."""
    for event in events:
        if event.details.at > head_at + TIME_TOLERANCE:
            at = event.details.at
            history.findings.add(Code.EVENT_FUTURE, event.index, at=at, head=head_at)


def _unexplained(history: History, seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Without what a recovery says was lost: seen before it, and longer than what it restored."""
    lost = [
        (Checkpoint.of_note(each.statement.checkpoint.encode()).size, each.at)
        for each in history.ledger.find(Recovery)
    ]
    return tuple(
        each
        for each in seen
        if not any(each.checkpoint.size > size and each.at <= at for size, at in lost)
    )


def _contradicted(
    bundle: Bundle, log: LogReport, head_at: datetime, seen: Sequence[Seen], findings: Findings
) -> tuple[bytes, ...]:
    """The notes of ``seen`` that the log contradicts. Of a broken log nothing can be compared."""
    if log.checkpoint is None or log.findings:
        return ()
    head = log.checkpoint.checkpoint
    found = tuple(contradictions(BundledLog(bundle), head, head_at, seen))
    for each, how in found:
        findings.add(
            _CONTRADICTIONS[how],
            size=head.size,
            known=each.checkpoint.size,
            day=f"{each.at:%d/%m/%Y}",
        )
    return tuple(each.note for each, _how in found)


def _check_unlogged(history: History) -> None:
    for digest, unverified in history.statements.items():
        if digest in history.cited:
            continue
        if history.erasures.count:
            history.impossible["enregistrement de chaque déclaration"] += 1
        else:
            kind = unverified.statement.TYPE
            history.findings.add(Code.STATEMENT_NOT_LOGGED, type=kind, digest=digest)
