"""The messages that both object stores give."""

from __future__ import annotations

from exchange.usecases.errors import ObjectConflictError, ObjectMissingError
from storage.errors import StorageUnavailableError


def missing_object() -> ObjectMissingError:
    """No such object."""
    return ObjectMissingError("Ce fichier chiffré n'est pas, ou plus, conservé ici.")


def missing_upload() -> ObjectMissingError:
    """No such upload."""
    return ObjectMissingError(
        "Cet envoi n'existe pas ou a été abandonné. Recommencez le dépôt du début."
    )


def wrong_part(number: int) -> ObjectConflictError:
    """A part whose bytes do not have the digest announced."""
    return ObjectConflictError(
        "La partie {number} a été altérée pendant le transfert : renvoyez-la.", number=number
    )


def other_part(number: int) -> ObjectConflictError:
    """Another content is kept under this number."""
    return ObjectConflictError(
        "La partie {number} a déjà été reçue avec un autre contenu. Recommencez le dépôt.",
        number=number,
    )


def bad_number(number: int) -> ObjectConflictError:
    """A part number outside of what is allowed."""
    return ObjectConflictError(
        "Le numéro de partie {number} n'est pas permis (1 à 10 000).", number=number
    )


def wrong_whole() -> ObjectConflictError:
    """The parts joined are not what was announced."""
    return ObjectConflictError(
        "Les parties reçues ne donnent pas le fichier annoncé (longueur ou empreinte). "
        "Renvoyez les parties manquantes, ou recommencez le dépôt."
    )


def unavailable(cause: str) -> StorageUnavailableError:
    """The disk or the S3 service does not answer as it should."""
    return StorageUnavailableError(
        "Le stockage des fichiers chiffrés ne répond pas ({cause}). Réessayez dans une minute.",
        cause=cause,
    )
