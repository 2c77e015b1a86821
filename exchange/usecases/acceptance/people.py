"""Invitations, certificates, revocations."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from crypto.age.recipients import check_recipient
from crypto.statements.registry import Certificate, Enrolment, Invitation, Revocation
from exchange.usecases.acceptance.context import AcceptanceContext, not_found, require_unused
from exchange.usecases.authority import find_certificate, revocation_of
from exchange.usecases.errors import ConflictError, ExpiredError, InvalidRequestError

CERTIFICATE_LIFETIME: Final = timedelta(days=3 * 366)
"""A mandate lasts three years (CASF R121-12-7); a certificate never outlives the longest one."""


def check_invitation(context: AcceptanceContext, statement: Invitation) -> None:
    """A new id, not expired, naming the trust file that this service pins."""
    if statement.expires_at <= context.now:
        raise ExpiredError("Cette invitation a déjà expiré.")
    if statement.trust_sha256 != context.trust.digest:
        raise InvalidRequestError(
            "Cette invitation cite un autre fichier de confiance (trust.json)."
        )
    require_unused(
        context.index.find(Invitation, id=statement.id),
        "Cet identifiant d'invitation a déjà servi.",
    )
    for earlier in context.index.find(Certificate, person=statement.person):
        if earlier.statement.organisation != statement.organisation:
            raise ConflictError(
                "Cet identifiant de personne est celui d'une personne d'une autre organisation."
            )


def check_certificate(context: AcceptanceContext, statement: Certificate) -> None:
    """Exactly what was enrolled, for exactly whom was invited."""
    enrolled = context.index.get(statement.enrolment)
    if enrolled is None or not isinstance(enrolled.statement, Enrolment):
        raise not_found("Ce certificat cite une inscription inconnue.")
    enrolment = enrolled.statement
    invited = context.index.get(enrolment.invitation)
    if invited is None or not isinstance(invited.statement, Invitation):
        raise not_found("L'inscription de ce certificat cite une invitation inconnue.")
    _check_same_person(statement, invited.statement)
    _check_same_keys(statement, enrolment)
    _check_term(context, statement)
    _check_key_is_free(context, statement)


def _check_same_person(statement: Certificate, invitation: Invitation) -> None:
    same = (
        statement.person == invitation.person
        and statement.name == invitation.name
        and statement.organisation == invitation.organisation
        and set(statement.roles) <= set(invitation.roles)
    )
    if not same:
        raise InvalidRequestError(
            "Ce certificat ne correspond pas à l'invitation (personne, nom, organisation, rôles)."
        )


def _check_same_keys(statement: Certificate, enrolment: Enrolment) -> None:
    check_recipient(statement.recipient)
    same = (
        statement.recipient == enrolment.recipient
        and statement.signing_key == enrolment.signing_key
    )
    if not same:
        raise InvalidRequestError("Ce certificat porte d'autres clés que celles de l'inscription.")


def _check_term(context: AcceptanceContext, statement: Certificate) -> None:
    if not statement.not_before < statement.not_after or statement.not_after <= context.now:
        raise ExpiredError("Les dates de ce certificat ne laissent aucun temps pour s'en servir.")
    if statement.not_after - statement.not_before > CERTIFICATE_LIFETIME:
        raise InvalidRequestError("Un certificat vaut trois ans au plus.")


def _check_key_is_free(context: AcceptanceContext, statement: Certificate) -> None:
    for earlier in context.index.find(Certificate):
        known = earlier.statement
        shared = (
            known.signing_key == statement.signing_key or known.recipient == statement.recipient
        )
        if not shared:
            continue
        if known.enrolment != statement.enrolment:
            raise ConflictError("Cette clé est déjà certifiée pour une autre inscription.")
        if revocation_of(context.index, earlier.digest):
            raise ConflictError(
                "Cette clé a été révoquée : elle ne se certifie plus. Faites enrôler une clé neuve."
            )


def check_revocation(context: AcceptanceContext, statement: Revocation) -> None:
    """An existing certificate, revoked once."""
    if find_certificate(context.index, statement.certificate) is None:
        raise not_found("Cette révocation cite un certificat inconnu.")
    if revocation_of(context.index, statement.certificate):
        raise ConflictError("Ce certificat est déjà révoqué.")
