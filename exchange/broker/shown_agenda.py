"""The one item of the agenda that a request shows: enough to decide, and nothing of other dossiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from crypto.digests import Digest
from crypto.errors import CryptoError
from crypto.statements import Statement
from crypto.statements.agenda import AgendaOpening, OpenedItem, open_item
from exchange.broker.desk import Desk
from exchange.broker.refusals import Why, refusal
from exchange.usecases.facts import latest_agenda
from exchange.usecases.ledger import Accepted, StatementIndex

S = TypeVar("S", bound=Statement)


@dataclass(frozen=True)
class ShownAgenda:
    """The broker's statements, with one item opened. It is forgotten with the request: the broker's
    own store never says which dossiers are on which agenda.
    """

    index: StatementIndex
    agenda: Digest
    item: OpenedItem

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        return self.index.get(digest)

    def find(self, kind: type[S], **references: str) -> Sequence[Accepted[S]]:
        return self.index.find(kind, **references)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        return (self.item,) if agenda == self.agenda else ()


def with_item(desk: Desk, sitting: str, shown: AgendaOpening | None) -> StatementIndex:
    """What to decide from; raises BrokerRefusalError unless the item is of the agenda in force."""
    index = desk.ledger.index
    agenda = latest_agenda(index, sitting)
    if shown is None or agenda is None:
        return index
    try:
        item = open_item(agenda.statement, desk.config.origin, shown)
    except CryptoError as error:
        raise refusal(Why.FOREIGN_ITEM, error.message, **error.params) from error
    return ShownAgenda(index, agenda.digest, item)
