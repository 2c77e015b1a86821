"""Why a release is refused, and the sentence that says so to the person who asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RefusalReason(StrEnum):
    """One value a rule of ``policy.decide``; the value is what the log records."""

    NOTHING_KNOWN = "nothing-known"
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_REVOKED = "certificate-revoked"
    ROLE_MISSING = "role-missing"
    SITTING_UNKNOWN = "sitting-unknown"
    SITTING_NOT_CONVOKED = "sitting-not-convoked"
    NOT_SEATED = "not-seated"
    CERTIFICATE_NOT_LISTED = "certificate-not-listed"
    SEAT_UNKNOWN = "seat-unknown"
    GUEST_SEAT = "guest-seat"
    MANDATE_INVALID = "mandate-invalid"
    CAPACITY_MISMATCH = "capacity-mismatch"
    ALTERNATE_NOT_ALLOWED = "alternate-not-allowed"
    BEFORE_OPENING = "before-opening"
    SITTING_CLOSED = "sitting-closed"
    DEPOSIT_UNKNOWN = "deposit-unknown"
    STRUCTURALLY_RECUSED = "structurally-recused"
    RECUSED = "recused"
    NOT_IN_AUDIENCE = "not-in-audience"
    APPROVAL_INVALID = "approval-invalid"
    WITHDRAWN = "withdrawn"
    KEY_DESTROYED = "key-destroyed"
    NOT_ON_AGENDA = "not-on-agenda"
    UNDERTAKING_MISSING = "undertaking-missing"
    DECLARATION_MISSING = "declaration-missing"
    ENVELOPE_MISSING = "envelope-missing"
    REQUEST_SPENT = "request-spent"
    """Not of ``decide``: the same signed request was refused before, and is not decided again."""
    BROKER_REFUSED = "broker-refused"
    """Not of ``decide``: the key custodian did not agree with the service."""


MESSAGES: Final[dict[RefusalReason, str]] = {
    RefusalReason.NOTHING_KNOWN: "La demande ne désigne rien que le service connaisse.",
    RefusalReason.CERTIFICATE_UNKNOWN: "Cette clé n'est pas certifiée par le secrétariat de la "
    "commission : demandez une invitation.",
    RefusalReason.CERTIFICATE_NOT_YET_VALID: "Le certificat de cette clé n'est pas encore valable : "
    "attendez sa date de début.",
    RefusalReason.CERTIFICATE_EXPIRED: "Le certificat de cette clé a expiré : demandez au "
    "secrétariat de le renouveler.",
    RefusalReason.CERTIFICATE_REVOKED: "Le certificat de cette clé a été révoqué : s'il s'agit "
    "d'une erreur, adressez-vous au secrétariat.",
    RefusalReason.ROLE_MISSING: "Ce certificat ne donne pas le rôle qu'il faut pour cette demande.",
    RefusalReason.SITTING_UNKNOWN: "Cette séance n'existe pas.",
    RefusalReason.SITTING_NOT_CONVOKED: "Cette séance n'est pas encore convoquée : rien ne s'ouvre "
    "avant la convocation.",
    RefusalReason.NOT_SEATED: "Vous ne siégez pas à cette séance.",
    RefusalReason.CERTIFICATE_NOT_LISTED: "Vous siégez à cette séance, mais cet appareil n'y est pas "
    "inscrit : demandez au secrétariat de l'ajouter.",
    RefusalReason.SEAT_UNKNOWN: "Ce siège ne figure plus dans la composition de la commission.",
    RefusalReason.GUEST_SEAT: "Un invité ne siège pas en formation restreinte et ne reçoit aucun "
    "dossier.",
    RefusalReason.MANDATE_INVALID: "Votre mandat n'est pas valable au jour de l'ouverture de la "
    "séance : adressez-vous au secrétariat.",
    RefusalReason.CAPACITY_MISMATCH: "Votre mandat n'est pas de la qualité (titulaire, suppléant) "
    "inscrite à la séance : adressez-vous au secrétariat.",
    RefusalReason.ALTERNATE_NOT_ALLOWED: "Ce siège n'admet pas de suppléant (CRPA, article R133-3).",
    RefusalReason.BEFORE_OPENING: "Les dossiers de cette séance ne sont pas encore ouverts.",
    RefusalReason.SITTING_CLOSED: "La séance est close : plus rien ne s'ouvre.",
    RefusalReason.DEPOSIT_UNKNOWN: "Ce dépôt n'existe pas à cette séance.",
    RefusalReason.STRUCTURALLY_RECUSED: "Une association ne délibère pas sur les dossiers qu'elle a "
    "préparés : votre siège est déporté d'office.",
    RefusalReason.RECUSED: "Vous vous êtes déporté de ce dossier.",
    RefusalReason.NOT_IN_AUDIENCE: "Cette pièce est réservée à d'autres sièges.",
    RefusalReason.APPROVAL_INVALID: "L'agrément de votre association n'est pas valable aujourd'hui : "
    "adressez-vous au secrétariat.",
    RefusalReason.WITHDRAWN: "Ce dossier a été retiré par l'association.",
    RefusalReason.KEY_DESTROYED: "La clé de ce dépôt a été détruite : plus personne ne peut l'ouvrir.",
    RefusalReason.NOT_ON_AGENDA: "Ce dossier n'est pas à l'ordre du jour de la séance.",
    RefusalReason.UNDERTAKING_MISSING: "Signez d'abord l'engagement de confidentialité de votre "
    "mandat.",
    RefusalReason.DECLARATION_MISSING: "Déclarez d'abord que vous n'avez pas de conflit d'intérêts "
    "dans ce dossier, ou déportez-vous.",
    RefusalReason.ENVELOPE_MISSING: "Aucune enveloppe de ce dépôt n'est scellée pour cet appareil : "
    "demandez à l'association de l'ajouter.",
    RefusalReason.REQUEST_SPENT: "Cette demande a déjà été refusée pour ce dépôt : faites-en une "
    "nouvelle.",
    RefusalReason.BROKER_REFUSED: "Le gardien des clés a refusé d'ouvrir l'enveloppe : prévenez le "
    "secrétariat.",
}
"""French sentences (msgids of the catalogue): what happened, why, what to do next."""
