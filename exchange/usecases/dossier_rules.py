"""Which deposit may follow which: the first of a dossier, its complements, its one conflict card."""

from __future__ import annotations

from collections.abc import Sequence

from crypto.statements.exchange import Kind, Manifest
from exchange.usecases.errors import ConflictError, InvalidRequestError
from exchange.usecases.facts import association_of, withdrawal_of
from exchange.usecases.ledger import Accepted, StatementIndex


def check_dossier(index: StatementIndex, statement: Manifest, association: str) -> None:
    """A reference is one request of one association at one sitting (DESIGN, section 2)."""
    earlier = index.find(Manifest, dossier=statement.dossier)
    elsewhere = [each for each in earlier if each.statement.sitting != statement.sitting]
    if elsewhere or any(association_of(index, each.statement) != association for each in earlier):
        raise ConflictError("Cette référence de dossier est déjà prise : prenez-en une autre.")
    if withdrawal_of(index, statement.dossier, association):
        raise ConflictError("Ce dossier a été retiré : déposez-le sous une autre référence.")
    is_card = statement.kind is Kind.CONFLICT_CARD
    if statement.complement_of is None and not is_card:
        if earlier:
            raise ConflictError(
                "Ce dossier est déjà déposé à cette séance : déposez un complément "
                "(« --complement-of »)."
            )
        return
    first = _first(earlier, statement)
    if first.pathway != statement.pathway or not (is_card or first.kind is statement.kind):
        raise InvalidRequestError("Ce complément est d'un autre parcours que le dépôt qu'il cite.")
    if is_card:
        _check_card(earlier, statement)


def _first(earlier: Sequence[Accepted[Manifest]], statement: Manifest) -> Manifest:
    """The dossier that a complement or a card cites."""
    for each in earlier:
        cited = each.digest == statement.complement_of
        if cited and each.statement.kind is not Kind.CONFLICT_CARD:
            return each.statement
    raise InvalidRequestError("Ce complément cite un dépôt inconnu de ce dossier.")


def _check_card(earlier: Sequence[Accepted[Manifest]], statement: Manifest) -> None:
    if any(each.statement.kind is Kind.CONFLICT_CARD for each in earlier):
        raise ConflictError("Ce dossier a déjà sa fiche de conflit : il n'en a qu'une.")
    if statement.audience is not None:
        raise InvalidRequestError(
            "Une fiche de conflit est pour tous les sièges qui ne sont pas déportés : elle ne se "
            "réserve pas à quelques-uns."
        )
