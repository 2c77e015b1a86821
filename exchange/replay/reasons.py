"""Why a release is against the rules, said of a third person: the auditor reads it, not who asked."""

from __future__ import annotations

from typing import Final

from exchange.domain.refusals import RefusalReason

SENTENCES: Final[dict[RefusalReason, str]] = {
    RefusalReason.NOTHING_KNOWN: "la demande ne désignait rien de connu",
    RefusalReason.CERTIFICATE_UNKNOWN: "la clé n'était certifiée par personne",
    RefusalReason.CERTIFICATE_NOT_YET_VALID: "le certificat n'était pas encore valable",
    RefusalReason.CERTIFICATE_EXPIRED: "le certificat avait expiré",
    RefusalReason.CERTIFICATE_REVOKED: "le certificat était révoqué",
    RefusalReason.ROLE_MISSING: "le certificat n'en donnait pas le rôle",
    RefusalReason.SITTING_UNKNOWN: "la séance n'existait pas",
    RefusalReason.SITTING_NOT_CONVOKED: "la séance n'était pas convoquée",
    RefusalReason.NOT_SEATED: "cette personne ne siège pas à cette séance",
    RefusalReason.CERTIFICATE_NOT_LISTED: "cet appareil n'est pas inscrit à la séance",
    RefusalReason.SEAT_UNKNOWN: "le siège n'est plus de la composition",
    RefusalReason.GUEST_SEAT: "un invité ne siège pas en formation restreinte (CRPA, article R133-6)",
    RefusalReason.MANDATE_INVALID: "le mandat n'était pas valable à l'ouverture de la séance",
    RefusalReason.CAPACITY_MISMATCH: "le mandat n'était pas de la qualité inscrite à la séance",
    RefusalReason.ALTERNATE_NOT_ALLOWED: "ce siège n'admet pas de suppléant (CRPA, article R133-3)",
    RefusalReason.BEFORE_OPENING: "la séance n'était pas ouverte",
    RefusalReason.SITTING_CLOSED: "la séance était close",
    RefusalReason.DEPOSIT_UNKNOWN: "ce dépôt n'est pas de cette séance",
    RefusalReason.STRUCTURALLY_RECUSED: "l'association qui a préparé le dossier est déportée d'office",
    RefusalReason.RECUSED: "cette personne s'était déportée de ce dossier (CRPA, article R133-12)",
    RefusalReason.NOT_IN_AUDIENCE: "cette pièce était réservée à d'autres sièges",
    RefusalReason.APPROVAL_INVALID: "l'agrément de l'association n'était pas valable",
    RefusalReason.WITHDRAWN: "l'association avait retiré ce dossier",
    RefusalReason.KEY_DESTROYED: "la clé de ce dépôt était détruite",
    RefusalReason.NOT_ON_AGENDA: "ce dossier n'était pas à l'ordre du jour",
    RefusalReason.UNDERTAKING_MISSING: "l'engagement de confidentialité n'était pas signé",
    RefusalReason.DECLARATION_MISSING: "aucune déclaration d'absence de conflit n'était signée",
    RefusalReason.ENVELOPE_MISSING: "aucune enveloppe n'était scellée pour cet appareil",
    RefusalReason.REQUEST_SPENT: "cette demande avait déjà été refusée",
    RefusalReason.BROKER_REFUSED: "le gardien des clés a refusé",
}
"""French, msgids of the catalogue; each follows a colon or a dash."""


def reason_of(value: str) -> str:
    """The words for a reason as the log records it; the value itself where it is unknown."""
    return SENTENCES[RefusalReason(value)] if value in set(RefusalReason) else value
