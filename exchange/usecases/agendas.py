"""What an agenda lists, as far as its openings were shown to whoever holds the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crypto.statements.agenda import AgendaItem, OpenedItem
from crypto.statements.registry import Agenda
from exchange.domain import dossiers
from exchange.domain.ids import DossierReference, ManifestId, OrganisationCode
from exchange.usecases.converted import converted_once
from exchange.usecases.ledger import Accepted, StatementIndex


def listed(index: StatementIndex, agenda: Accepted[Agenda] | None) -> tuple[AgendaItem, ...]:
    """The dossiers that were shown here of an agenda, in its order."""
    return items_among(index.opened(agenda.digest)) if agenda else ()


def items_among(shown: Iterable[OpenedItem]) -> tuple[AgendaItem, ...]:
    """The dossiers among opened items, in the agenda's order."""
    items = [each.item for each in shown if each.item is not None]
    return tuple(sorted(items, key=lambda item: item.rank))


@converted_once
def shown_items(shown: Sequence[OpenedItem]) -> tuple[dossiers.AgendaItem, ...]:
    """The same as the domain's items."""
    return agenda_items(items_among(shown))


def is_whole(index: StatementIndex, agenda: Accepted[Agenda]) -> bool:
    """Whether every item of an agenda was shown here, decoys included."""
    return len(index.opened(agenda.digest)) == len(agenda.statement.items)


def agenda_items(items: Iterable[AgendaItem]) -> tuple[dossiers.AgendaItem, ...]:
    """What an agenda lists as the domain's items."""
    return tuple(
        dossiers.AgendaItem(
            association=OrganisationCode(item.association),
            dossier=DossierReference(item.dossier),
            manifests=frozenset(ManifestId(digest) for digest in item.manifests),
        )
        for item in items
    )
