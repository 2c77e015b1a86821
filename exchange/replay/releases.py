"""Releases, decided again: by the service's own policy, from the statements logged before them."""

from __future__ import annotations

from crypto.digests import Digest
from crypto.statements.exchange import AccessRequest, Manifest
from exchange.replay.codes import Code
from exchange.replay.history import History, LoggedEvent, Release
from exchange.replay.reasons import reason_of
from exchange.replay.report import RefusalRow
from exchange.usecases.access import grounds_of, refusal_of
from exchange.usecases.authority import find_certificate


def authorised(history: History, event: LoggedEvent) -> None:
    """``release.authorised``: asked for, lawful at that place, resting on what was in force."""
    request = history.statement(event.cites.get("access_request"), AccessRequest)
    if request is None:
        history.findings.add(Code.RELEASE_WITHOUT_REQUEST, event.index, deposit=event.deposit)
        return
    statement = request.statement
    release = Release(
        index=event.index,
        at=event.details.at,
        request=request.digest,
        deposit=event.deposit,
        certificate=event.cites.get("certificate"),
        manifest=event.cites.get("manifest"),
        purpose=statement.purpose,
        sitting=statement.sitting,
    )
    key = (request.digest, event.deposit)
    if key in history.releases:
        history.findings.add(Code.RELEASE_TWICE, event.index, deposit=event.deposit)
    else:
        history.releases[key] = release
    if not _is_as_asked(statement, event):
        release.refusal = Code.RELEASE_DIFFERS.value
        history.findings.add(Code.RELEASE_DIFFERS, event.index, deposit=event.deposit)
    _decide_again(history, event, release, statement)


def refused(history: History, event: LoggedEvent) -> None:
    """``release.refused``: counted by reason."""
    reason = event.details.facts.get("reason", "?")
    history.refusals[reason] += 1
    request = history.statement(event.cites.get("access_request"), AccessRequest)
    manifest = history.statement(history.committed.get(event.deposit), Manifest)
    history.refused.append(
        RefusalRow(
            index=event.index,
            at=event.details.at,
            sitting=request.statement.sitting if request else "?",
            dossier=manifest.statement.dossier if manifest else "?",
            deposit=event.deposit,
            person=person_name(history, event.cites.get("certificate")),
            reason=reason,
            sentence=reason_of(reason),
        )
    )


def payload_read(history: History, event: LoggedEvent) -> None:
    """``payload.read``: one for each authorised release, to the same person."""
    release = history.releases.get((event.cites.get("access_request", Digest("")), event.deposit))
    if release is None or release.certificate != event.cites.get("certificate"):
        history.missing(
            event, Code.READ_WITHOUT_RELEASE, "téléchargement après remise", deposit=event.deposit
        )
        return
    if release.read:
        history.findings.add(Code.READ_TWICE, event.index, deposit=event.deposit)
    release.read = True


def person_name(history: History, certificate: Digest | None) -> str:
    """Whom a certificate names, for the report."""
    held = find_certificate(history.ledger, certificate) if certificate else None
    return held.statement.name if held else "une clé inconnue"


def _is_as_asked(request: AccessRequest, event: LoggedEvent) -> bool:
    return (
        event.deposit in request.deposits
        and event.details.facts.get("purpose") == request.purpose.value
        and event.cites.get("certificate") == request.signer
    )


def _decide_again(
    history: History, event: LoggedEvent, release: Release, request: AccessRequest
) -> None:
    # The certificate that got the answer is the event's; the reply key is the request's. Where the
    # two differ that is a finding of its own, and the decision is made for the one who asked.
    # It must be lawful at the recorded time and, where the log's order belies that, at the latest
    # time before it: a date moved either way excuses nothing.
    reason = refusal_of(history.ledger, request, event.deposit, event.details.at)
    if reason is None and history.at > event.details.at:
        reason = refusal_of(history.ledger, request, event.deposit, history.at)
    if reason is not None:
        if _is_erased(history, event):
            history.impossible["règles d'une remise"] += 1
            return
        release.refusal = reason.value
        manifest = history.statement(history.committed.get(event.deposit), Manifest)
        history.findings.add(
            Code.RELEASE_UNLAWFUL,
            event.index,
            dossier=manifest.statement.dossier if manifest else "?",
            deposit=event.deposit,
            person=person_name(history, request.signer),
            reason=reason.value,
            sentence=reason_of(reason.value),
        )
        return
    _compare_cites(history, event, request)


def _compare_cites(history: History, event: LoggedEvent, request: AccessRequest) -> None:
    due = grounds_of(history.ledger, request, event.deposit)
    due["access_request"] = event.cites["access_request"]
    if due == event.cites:
        return
    roles = sorted(role for role in {*due, *event.cites} if due.get(role) != event.cites.get(role))
    if roles:
        history.missing(
            event,
            Code.RELEASE_CITES,
            "fondement d'une remise",
            deposit=event.deposit,
            roles=", ".join(roles),
        )


def _is_erased(history: History, event: LoggedEvent) -> bool:
    """Whether the deposit's own events were erased by rule, so that nothing can be decided."""
    manifest = history.statement(event.cites.get("manifest"), Manifest)
    known = manifest is not None and history.ledger.get(manifest.digest) is not None
    return not known and history.erasures.any_before(event.index)
