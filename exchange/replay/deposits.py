"""Deposits in their order: begun with a release key, committed once, completed by late envelopes."""

from __future__ import annotations

from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import Grant, Manifest
from crypto.statements.registry import Sitting
from exchange.domain.deposit_window import check_deposit_time
from exchange.domain.errors import RuleError
from exchange.replay.codes import Code
from exchange.replay.history import History, LoggedEvent
from exchange.usecases.facts import (
    association_of,
    closing_of,
    complement_request_of,
    latest_sitting,
    sitting_in_force,
)

_ORDER = "ordre des dépôts"


def begun(history: History, event: LoggedEvent) -> None:
    """``deposit.begun``: one release key, made for this very deposit."""
    key = history.statement(event.cites.get("release_key"), ReleaseKey)
    if key is None:
        return
    if key.statement.deposit != event.deposit:
        _disorder(history, event, "La clé a été faite pour un autre dépôt.")
    elif event.deposit in history.begun:
        _disorder(history, event, "Il avait déjà commencé, avec une autre clé.")
    else:
        history.begun[event.deposit] = key.digest


def committed(history: History, event: LoggedEvent) -> None:
    """``deposit.committed``: after it began, once, sealed to its own key, before the closing."""
    manifest = history.statement(event.cites.get("manifest"), Manifest)
    if manifest is None:
        return
    statement = manifest.statement
    if statement.deposit != event.deposit or statement.signer != event.cites.get("certificate"):
        _disorder(
            history, event, "Le bordereau est celui d'un autre dépôt ou d'une autre personne."
        )
    if event.deposit in history.committed:
        _disorder(history, event, "Il avait déjà été reçu.")
    key = history.begun.get(event.deposit)
    if key is None:
        history.missing(
            event,
            Code.DEPOSIT_ORDER,
            _ORDER,
            deposit=event.deposit,
            reason="Il n'avait pas commencé.",
        )
    elif key != statement.release_key_sha256:
        _disorder(history, event, "Il n'est pas scellé à la clé faite pour lui.")
    history.committed.setdefault(event.deposit, manifest.digest)
    _require_open(history, event, statement)


def rekeyed(history: History, event: LoggedEvent) -> None:
    """``deposit.rekeyed``: another broker's key, for a deposit that was received."""
    key = history.statement(event.cites.get("release_key"), ReleaseKey)
    if key is None:
        return
    earlier = history.statement(history.key_at(event.deposit, event.index), ReleaseKey)
    manifest = history.statement(history.committed.get(event.deposit), Manifest)
    if key.statement.deposit != event.deposit:
        _disorder(history, event, "La clé a été faite pour un autre dépôt.")
    elif manifest is None or earlier is None:
        history.missing(
            event,
            Code.DEPOSIT_ORDER,
            _ORDER,
            deposit=event.deposit,
            reason="Une clé lui a été refaite alors qu'il n'avait pas été reçu.",
        )
    elif key.statement.signer == earlier.statement.signer:
        _disorder(history, event, "Le même gardien des clés lui a fait une seconde clé.")
    else:
        history.rekeyed.setdefault(event.deposit, []).append((event.index, key.digest))
        history.findings.add(Code.DEPOSIT_REKEYED, event.index, deposit=event.deposit)


def grant_added(history: History, event: LoggedEvent) -> None:
    """``grant.added``: for a known deposit, by its own association."""
    grant = history.statement(event.cites.get("grant"), Grant)
    if grant is None:
        return
    manifest = history.statement(grant.statement.manifest, Manifest)
    if manifest is None or manifest.digest not in history.committed.values():
        history.missing(event, Code.GRANT_FOREIGN, "enveloppes ajoutées")
        return
    depositing = association_of(history.ledger, manifest.statement)
    granting = association_of(history.ledger, grant.statement)
    if granting is None or granting != depositing:
        history.missing(event, Code.GRANT_FOREIGN, "enveloppes ajoutées")
    deposit = manifest.statement.deposit
    if grant.statement.release_key_sha256 != history.key_at(deposit, event.index):
        history.missing(
            event,
            Code.DEPOSIT_ORDER,
            _ORDER,
            deposit=deposit,
            reason="Des enveloppes lui ont été ajoutées, scellées à une autre clé que la sienne.",
        )


def _require_open(history: History, event: LoggedEvent, manifest: Manifest) -> None:
    version = latest_sitting(history.ledger, manifest.sitting)
    closed = closing_of(history.ledger, manifest.sitting) is not None
    if closed or (version is not None and _is_over(version.statement, event)):
        history.findings.add(Code.DEPOSIT_LATE, event.index, deposit=event.deposit)
    elif version is not None:
        _require_in_time(history, event, manifest, version.statement)


def _require_in_time(
    history: History, event: LoggedEvent, manifest: Manifest, version: Sitting
) -> None:
    asked = complement_request_of(history.ledger, manifest.sitting, manifest.dossier)
    answer_by = asked.statement.answer_by if asked else None
    try:
        check_deposit_time(
            sitting_in_force(version), event.details.at, urgent=manifest.urgent, answer_by=answer_by
        )
    except RuleError as error:
        history.missing(
            event,
            Code.DEPOSIT_OVERDUE,
            "délais de dépôt",
            deposit=event.deposit,
            reason=error,
        )


def _is_over(sitting: Sitting, event: LoggedEvent) -> bool:
    return event.details.at >= sitting.closes_at


def _disorder(history: History, event: LoggedEvent, reason: str) -> None:
    history.findings.add(Code.DEPOSIT_ORDER, event.index, deposit=event.deposit, reason=reason)
