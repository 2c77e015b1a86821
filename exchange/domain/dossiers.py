"""Dossiers, their deposits, and the agenda on which they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.domain.errors import RuleError
from exchange.domain.ids import (
    DepositId,
    DossierReference,
    ManifestId,
    OrganisationCode,
    SeatCode,
    SittingId,
)


@dataclass(frozen=True)
class CommittedDeposit:
    """A deposit whose manifest was accepted for a sitting. ``association`` is the depositor's."""

    deposit: DepositId
    manifest: ManifestId
    sitting: SittingId
    dossier: DossierReference
    association: OrganisationCode
    audience: frozenset[SeatCode] | None
    """Seats that may read; None: every sitting seat that is not recused."""
    withdrawn: bool
    key_destroyed: bool
    is_card: bool = False
    """A conflict card: read before the declaration, which it is there for."""

    def is_for(self, seat: SeatCode) -> bool:
        """Whether the depositor meant this seat to read."""
        return self.audience is None or seat in self.audience


@dataclass(frozen=True)
class AgendaItem:
    """One dossier on the agenda, with the manifests that it consists of."""

    association: OrganisationCode
    dossier: DossierReference
    manifests: frozenset[ManifestId]


def is_on_agenda(items: Sequence[AgendaItem], deposit: CommittedDeposit) -> bool:
    """Whether the agenda lists this dossier of this association with this very manifest."""
    return any(
        item.association == deposit.association
        and item.dossier == deposit.dossier
        and deposit.manifest in item.manifests
        for item in items
    )


def check_agenda(items: Sequence[AgendaItem]) -> None:
    """Raise RuleError for a dossier or manifest listed twice, or items not grouped."""
    dossiers = [item.dossier for item in items]
    if len(set(dossiers)) != len(dossiers):
        raise RuleError("Un dossier figure deux fois à l'ordre du jour.")
    manifests = [manifest for item in items for manifest in item.manifests]
    if len(set(manifests)) != len(manifests):
        raise RuleError("Un dépôt figure deux fois à l'ordre du jour.")
    groups = [
        item.association
        for place, item in enumerate(items)
        if place == 0 or items[place - 1].association != item.association
    ]
    if len(set(groups)) != len(groups):
        raise RuleError("Les dossiers de l'ordre du jour ne sont pas groupés par association.")
