"""What members and associations declare about mandates and dossiers."""

from __future__ import annotations

import itertools

from crypto.statements.exchange import (
    Complaint,
    Decision,
    Declaration,
    Grant,
    Manifest,
    Opinion,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import Certificate, Sitting
from exchange.domain.ids import OrganisationCode, PersonId, SeatCode
from exchange.domain.sittings import is_structurally_recused
from exchange.usecases.acceptance.context import AcceptanceContext, not_found, require_unused
from exchange.usecases.agendas import listed
from exchange.usecases.errors import ConflictError, NotAllowedError
from exchange.usecases.facts import (
    association_of,
    closing_of,
    latest_agenda,
    latest_roster,
    latest_sitting,
    recusal_of,
    roster_in_force,
    withdrawal_of,
)


def check_undertaking(context: AcceptanceContext, statement: Undertaking) -> None:
    """For a mandate of one's own."""
    person = context.signer(statement).statement.person
    roster = latest_roster(context.index)
    mandates = roster.statement.mandates if roster else ()
    if not any(each.mandate == statement.mandate and each.person == person for each in mandates):
        raise not_found("Ce mandat n'existe pas, ou n'est pas le vôtre.")


def check_declaration(context: AcceptanceContext, statement: Declaration) -> None:
    """For dossiers on the agenda of a sitting where one sits and is not recused."""
    certificate = context.signer(statement).statement
    _require_sits(context, statement.sitting, certificate)
    for dossier in statement.dossiers:
        _require_unrecused(context, statement.sitting, dossier, certificate)
        _require_on_agenda(context, statement.sitting, dossier, certificate)


def check_recusal(context: AcceptanceContext, statement: Recusal) -> None:
    """For dossiers on the agenda of a sitting where one sits; at any time before the closing."""
    certificate = context.signer(statement).statement
    _require_sits(context, statement.sitting, certificate)
    for dossier in statement.dossiers:
        _require_unrecused(context, statement.sitting, dossier, certificate)
        _require_on_agenda(context, statement.sitting, dossier, certificate)


def _require_unrecused(
    context: AcceptanceContext, sitting: str, dossier: str, certificate: Certificate
) -> None:
    # Before anything is said of the dossier: whoever stepped aside from it gets the same answer
    # whether it is still on the agenda, was withdrawn or was completed.
    if recusal_of(context.index, sitting, dossier, certificate.person):
        raise ConflictError(
            "Vous vous êtes déporté du dossier {dossier} : un déport ne se reprend pas.",
            dossier=dossier,
        )


def _require_sits(context: AcceptanceContext, sitting: str, certificate: Certificate) -> Sitting:
    latest = latest_sitting(context.index, sitting)
    if latest is None or all(each.person != certificate.person for each in latest.statement.seats):
        raise not_found("Cette séance n'existe pas, ou vous n'y siégez pas.")
    if closing_of(context.index, sitting) or context.now >= latest.statement.closes_at:
        raise ConflictError("Cette séance est close.")
    return latest.statement


def _require_on_agenda(
    context: AcceptanceContext, sitting: str, dossier: str, certificate: Certificate
) -> None:
    # One answer for a dossier that does not exist and for one of the signer's own association, so
    # that a reference tells nothing to those who are recused from it.
    items = listed(context.index, latest_agenda(context.index, sitting))
    item = next((each for each in items if each.dossier == dossier), None)
    if item is None or _is_recused(context, sitting, item.association, certificate):
        raise not_found(
            "Le dossier {dossier} n'est pas à l'ordre du jour de cette séance, ou vous en êtes "
            "déporté d'office.",
            dossier=dossier,
        )


def _is_recused(
    context: AcceptanceContext, sitting: str, association: str, certificate: Certificate
) -> bool:
    roster, latest = latest_roster(context.index), latest_sitting(context.index, sitting)
    if roster is None or latest is None:
        return True
    person = PersonId(certificate.person)
    taken = next((each for each in latest.statement.seats if each.person == person), None)
    seat = roster_in_force(roster.statement).seat(SeatCode(taken.seat)) if taken else None
    return is_structurally_recused(
        seat, OrganisationCode(certificate.organisation), OrganisationCode(association)
    )


def check_withdrawal(context: AcceptanceContext, statement: Withdrawal) -> None:
    """Of a dossier that one's own association deposited, once."""
    organisation = context.signer(statement).statement.organisation
    if not _deposited_by(context, statement.dossier, organisation):
        raise not_found("Ce dossier n'existe pas, ou n'est pas de votre association.")
    if withdrawal_of(context.index, statement.dossier, organisation):
        raise ConflictError("Ce dossier est déjà retiré.")


def _deposited_by(context: AcceptanceContext, dossier: str, organisation: str) -> bool:
    manifests = context.index.find(Manifest, dossier=dossier)
    return any(association_of(context.index, each.statement) == organisation for each in manifests)


def check_complaint(context: AcceptanceContext, statement: Complaint) -> None:
    """About a header that a manifest, or a grant to it, signed for the very device that complains."""
    about = context.index.get(statement.manifest)
    grants = context.index.find(Grant, manifest=statement.manifest)
    signed = [each.statement.envelopes for each in grants]
    if about is not None and isinstance(about.statement, Manifest):
        signed.append(about.statement.envelopes)
    for entry in itertools.chain.from_iterable(signed):
        if (entry.certificate, entry.header_sha256) == (statement.signer, statement.header_sha256):
            break
    else:
        raise not_found("Aucun dépôt n'a d'en-tête de cette empreinte pour votre appareil.")
    # One a header: repeated ones would only lengthen the log.
    mine = context.index.find(Complaint, manifest=statement.manifest, signer=statement.signer)
    same = [each for each in mine if each.statement.header_sha256 == statement.header_sha256]
    require_unused(same, "Cet en-tête a déjà été signalé.")


def check_opinion(context: AcceptanceContext, statement: Opinion) -> None:
    """By a member who sits where the dossier is on the agenda, and is not recused."""
    certificate = context.signer(statement).statement
    manifests = context.index.find(Manifest, dossier=statement.dossier)
    for manifest in manifests:
        _require_not_recused(context, manifest.statement, certificate)
    for manifest in manifests:
        sitting = manifest.statement.sitting
        latest = latest_sitting(context.index, sitting)
        items = listed(context.index, latest_agenda(context.index, sitting))
        seated = latest is not None and any(
            each.person == certificate.person for each in latest.statement.seats
        )
        on_agenda = any(manifest.digest in item.manifests for item in items)
        association = association_of(context.index, manifest.statement) or ""
        # Who is recused by law gets the answer for a dossier that does not exist.
        if seated and on_agenda and not _is_recused(context, sitting, association, certificate):
            return
    raise not_found("Ce dossier n'est à l'ordre du jour d'aucune séance où vous siégez.")


def _require_not_recused(
    context: AcceptanceContext, manifest: Manifest, certificate: Certificate
) -> None:
    if recusal_of(context.index, manifest.sitting, manifest.dossier, certificate.person):
        raise NotAllowedError("Qui s'est déporté d'un dossier n'en écrit pas l'avis.")


def check_decision(context: AcceptanceContext, statement: Decision) -> None:
    """On a dossier that was deposited."""
    if not context.index.find(Manifest, dossier=statement.dossier):
        raise not_found("Ce dossier n'existe pas.")
