"""Rosters, sittings, agendas, closings."""

from __future__ import annotations

from collections.abc import Sequence

from crypto.digests import Digest
from crypto.errors import UntrustedError
from crypto.statements.agenda import AgendaItem, open_whole
from crypto.statements.exchange import ComplementRequest, Manifest
from crypto.statements.registry import (
    Agenda,
    Closing,
    Role,
    Roster,
    Sitting,
    SittingSeat,
)
from exchange.domain.deposit_window import check_answer_by
from exchange.domain.dossiers import check_agenda
from exchange.domain.lifecycle import step
from exchange.domain.mandates import check_roster
from exchange.domain.sitting_lifecycle import TABLE, SittingEvent, SittingState
from exchange.domain.sittings import Stage, check_convocation, check_revision, check_sitting
from exchange.usecases.acceptance.context import AcceptanceContext, check_chain, not_found
from exchange.usecases.agendas import agenda_items, listed
from exchange.usecases.authority import certified
from exchange.usecases.errors import ConflictError, InvalidRequestError, explained
from exchange.usecases.facts import (
    association_of,
    association_of_dossier,
    closing_of,
    in_sitting_chain,
    latest_agenda,
    latest_roster,
    latest_sitting,
    roster_in_force,
    sitting_in_force,
    withdrawal_of,
)
from exchange.usecases.ledger import Accepted


def check_new_roster(context: AcceptanceContext, statement: Roster) -> None:
    """The next version, within the rules on seats and mandates."""
    latest = latest_roster(context.index)
    check_chain(latest, statement.version, statement.previous, "composition")
    with explained():
        check_roster(roster_in_force(statement))


def check_new_sitting(context: AcceptanceContext, statement: Sitting) -> None:
    """The next version: seats of law, mandates, devices, window, convocation, lifecycle."""
    latest = latest_sitting(context.index, statement.sitting)
    check_chain(latest, statement.version, statement.previous, "séance")
    roster = latest_roster(context.index)
    cited = context.index.get(statement.roster)
    if roster is None or cited is None or not isinstance(cited.statement, Roster):
        raise not_found("Cette séance cite une composition inconnue.")
    new = sitting_in_force(statement)
    with explained():
        _step(context, latest, statement)
        check_sitting(new, roster_in_force(roster.statement))
        if latest is not None:
            check_revision(sitting_in_force(latest.statement), new, context.now)
        elif statement.closes_at <= context.now:
            raise InvalidRequestError("La clôture de cette séance est déjà passée.")
        if latest is None or _calls_anew(latest.statement, statement):
            check_convocation(new, context.now)
    labels = {each.seat: each.label for each in cited.statement.seats}
    for taken in statement.seats:
        if taken.label != labels.get(taken.seat):
            raise InvalidRequestError(
                "Le siège « {seat} » ne porte pas le libellé de la composition citée.",
                seat=taken.seat,
            )
        _check_devices(context, taken)


def check_complement_request(context: AcceptanceContext, statement: ComplementRequest) -> None:
    """Of a dossier of that sitting, not withdrawn, until a moment before the closing."""
    latest = latest_sitting(context.index, statement.sitting)
    association = association_of_dossier(context.index, statement.dossier)
    here = context.index.find(Manifest, dossier=statement.dossier, sitting=statement.sitting)
    if latest is None or association is None or not here:
        raise not_found("Ce dossier n'est pas déposé à cette séance.")
    if withdrawal_of(context.index, statement.dossier, association):
        raise ConflictError("Ce dossier a été retiré : il ne se complète plus.")
    if closing_of(context.index, statement.sitting) is not None:
        raise ConflictError("Cette séance est close : ses dossiers ne se complètent plus.")
    with explained():
        check_answer_by(sitting_in_force(latest.statement), statement.answer_by, context.now)


def _calls_anew(latest: Sitting, new: Sitting) -> bool:
    """A substitution in a convoked sitting is not a new convocation; another date is."""
    return latest.stage.value != Stage.CONVOKED.value or latest.closes_at != new.closes_at


def _step(context: AcceptanceContext, latest: Accepted[Sitting] | None, new: Sitting) -> None:
    if latest is None:
        return
    state = _state(context, latest)
    convoked = new.stage.value == Stage.CONVOKED.value
    step(TABLE, state, SittingEvent.CONVOKE if convoked else SittingEvent.REVISE)


def _state(context: AcceptanceContext, latest: Accepted[Sitting]) -> SittingState:
    if closing_of(context.index, latest.statement.sitting):
        return SittingState.CLOSED
    return SittingState(latest.statement.stage.value)


def _check_devices(context: AcceptanceContext, taken: SittingSeat) -> None:
    if len(set(taken.certificates)) != len(taken.certificates):
        raise InvalidRequestError(
            "Un certificat figure deux fois au siège « {seat} ».", seat=taken.seat
        )
    for digest in taken.certificates:
        try:
            certificate = certified(context.index, digest, context.now).statement
        except UntrustedError as error:
            raise ConflictError(
                "Au siège « {seat} », un certificat est inconnu, expiré ou révoqué : mettez la "
                "séance à jour.",
                seat=taken.seat,
            ) from error
        if certificate.person != taken.person or Role.MEMBER not in certificate.roles:
            raise InvalidRequestError(
                "Au siège « {seat} », un certificat n'est pas celui d'un membre qui y siège.",
                seat=taken.seat,
            )


def check_new_agenda(context: AcceptanceContext, statement: Agenda) -> None:
    """The next version, every item opened; each names deposits of that dossier, association and
    sitting.
    """
    _require_open(context, statement.sitting)
    latest = latest_agenda(context.index, statement.sitting)
    check_chain(latest, statement.version, statement.previous, "ordre du jour")
    with explained():
        opened = open_whole(statement, context.origin, context.openings)
        items = [each.item for each in opened if each.item is not None]
        items.sort(key=lambda item: item.rank)
        _require_same(context, statement.sitting, latest, items)
        check_agenda(agenda_items(items))
    for item in items:
        _check_item(context, statement.sitting, item)


def _require_same(
    context: AcceptanceContext,
    sitting: str,
    latest: Accepted[Agenda] | None,
    items: Sequence[AgendaItem],
) -> None:
    """At a second convocation nothing is added: it has the same agenda (CRPA R133-10)."""
    version = latest_sitting(context.index, sitting)
    if version is None or not version.statement.second_convocation:
        return
    added = {item.dossier for item in items} - {i.dossier for i in listed(context.index, latest)}
    if added:
        raise ConflictError(
            "Le dossier {dossier} ne figurait pas à l'ordre du jour de la première convocation : la "
            "seconde se tient sur le même (CRPA, article R133-10).",
            dossier=min(added),
        )


def _check_item(context: AcceptanceContext, sitting: str, item: AgendaItem) -> None:
    for digest in item.manifests:
        _check_manifest(context, sitting, item, digest)
    if withdrawal_of(context.index, item.dossier, item.association):
        raise ConflictError("Le dossier {dossier} a été retiré.", dossier=item.dossier)


def _check_manifest(
    context: AcceptanceContext, sitting: str, item: AgendaItem, digest: Digest
) -> None:
    accepted = context.index.get(digest)
    manifest = accepted.statement if accepted else None
    fits = (
        isinstance(manifest, Manifest)
        and manifest.sitting == sitting
        and manifest.dossier == item.dossier
        and association_of(context.index, manifest) == item.association
    )
    if not fits:
        raise not_found(
            "Le dossier {dossier} de l'ordre du jour cite un dépôt qui n'est pas de ce dossier, de "
            "cette association et de cette séance.",
            dossier=item.dossier,
        )


def check_closing(context: AcceptanceContext, statement: Closing) -> None:
    """Once, for a sitting that exists; the cited version lies in its chain."""
    latest = _require_open(context, statement.sitting)
    with explained():
        step(TABLE, _state(context, latest), SittingEvent.CLOSE)
    if not in_sitting_chain(context.index, statement.sitting, statement.sitting_sha256):
        raise not_found("Cette clôture cite une version inconnue de la séance.")


def _require_open(context: AcceptanceContext, sitting: str) -> Accepted[Sitting]:
    latest = latest_sitting(context.index, sitting)
    if latest is None:
        raise not_found("Cette séance n'existe pas.")
    if closing_of(context.index, sitting):
        raise ConflictError("Cette séance est déjà close.")
    return latest
