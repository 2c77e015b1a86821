"""Is what is inside a container what its signed manifest says?

Without this check, an association could sign a manifest over another's ciphertext and have it read
as its own. The depositor's fingerprint is inside the sealed card.
"""

from __future__ import annotations

from collections.abc import Callable

from crypto.age.streams import Readable
from crypto.edge.card import DossierCard
from crypto.edge.container import read_container
from crypto.statements.exchange import Manifest
from exchange.client.errors import NotTrustworthyError
from exchange.client.registry import association_of
from exchange.usecases.ledger import Accepted, StatementIndex


def check_container(
    index: StatementIndex,
    manifest: Accepted[Manifest],
    plaintext: Readable,
    each_file: Callable[[str, int, Readable], None] | None = None,
) -> DossierCard:
    """Run through a whole container in ``plaintext``, and return its checked card.

    ``each_file`` gets (path, size, stream) of each piece. Nothing of it counts before this returns:
    the last chunk, the padding and the card are checked by then.
    """
    card, pieces = read_container(plaintext)
    require_card(index, manifest, card)
    for path, size, stream in pieces:
        if each_file is not None:
            each_file(path, size, stream)
    return card


def require_card(index: StatementIndex, manifest: Accepted[Manifest], card: DossierCard) -> None:
    """Raise NotTrustworthyError unless the card says what the manifest says."""
    statement = manifest.statement
    same = (
        card.sitting == statement.sitting
        and card.dossier == statement.dossier
        and card.association == association_of(index, statement)
        and card.depositor == statement.signer
        and card.kind is statement.kind
        and card.complement_of == statement.complement_of
    )
    if not same:
        raise NotTrustworthyError(
            "La fiche scellée dans le dossier « {reference} » ne correspond pas à son manifeste signé : "
            "ce contenu a pu être repris d'un autre dossier. Rien n'a été écrit ; prévenez le "
            "secrétariat.",
            reference=statement.dossier,
        )
