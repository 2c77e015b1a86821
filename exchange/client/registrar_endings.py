"""What the registrar orders at the end: ciphertexts deleted, or kept back for an appeal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crypto.statements.custody import ArchivesVisa, Hold, Purge
from crypto.statements.registry import Sitting
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError
from exchange.client.registry import Deposited, all_deposits_of, is_closed, sitting_of
from exchange.usecases.facts import ended_at
from exchange.usecases.holds import held_until
from exchange.usecases.ledger import Accepted

REASON: Final = "Fin du délai de conservation des copies de transit."
"""What a purge says of itself; never anything about a person."""


@dataclass(frozen=True)
class Purged:
    """An accepted order to delete, what it names, and what a hold kept back until when."""

    order: Accepted[Purge]
    ended: datetime
    deposits: tuple[Deposited, ...]
    held: Mapping[str, datetime]
    """By the dossier's reference."""

    @property
    def octets(self) -> int:
        """Length of the ciphertexts, in bytes."""
        return sum(each.manifest.statement.length for each in self.deposits)


def ended_sittings(desk: Desk) -> tuple[str, ...]:
    """The sittings that are over and still have something to purge, oldest first."""
    desk.load(Sitting)
    index, now = desk.view.ledger, desk.machine.clock()
    known = dict.fromkeys(each.statement.sitting for each in index.find(Sitting))
    for sitting in known:
        desk.load_sitting(sitting)
    desk.load(Purge)
    desk.load(Hold)
    return tuple(
        sitting
        for sitting in known
        if is_closed(index, sitting_of(index, sitting).statement, now) and _left(desk, sitting)
    )


def purge(desk: Desk, sitting: str, visa: ArchivesVisa | None) -> Purged:
    """Order the deletion of a sitting's ciphertexts, but for those under hold.

    The service refuses before the closing and before the delay it is set to. Withdrawn dossiers are
    not named: their association's withdrawal deleted them. Raises NotPossibleError when nothing is
    left to delete.
    """
    desk.load_sitting(sitting)
    desk.load(Purge)
    desk.load(Hold)
    index = desk.view.ledger
    version = sitting_of(index, sitting).statement
    if not is_closed(index, version, desk.machine.clock()):
        raise NotPossibleError(
            "La séance {sitting} n'est pas close : ses dépôts ne se purgent qu'après. Clôturez-la d'abord "
            "avec « dossier registrar close ».",
            sitting=sitting,
        )
    left = _left(desk, sitting)
    held = _held(desk, left)
    due = tuple(each for each in left if each.reference not in held)
    if not due:
        raise NotPossibleError(
            "Il n'y a rien à purger à la séance {sitting} : tout l'est déjà, ou est sous conservation.",
            sitting=sitting,
        )
    ids = tuple(each.manifest.statement.deposit for each in due)
    order, _none = desk.submit(
        desk.draft(Purge, sitting=sitting, deposits=ids, visa=visa, reason=REASON)
    )
    return Purged(order, ended_at(index, sitting) or version.closes_at, due, held)


def _left(desk: Desk, sitting: str) -> tuple[Deposited, ...]:
    """Deposits of a sitting that no purge named and no withdrawal deleted."""
    index = desk.view.ledger
    named = {
        deposit
        for each in index.find(Purge, sitting=sitting)
        for deposit in each.statement.deposits
    }
    return tuple(
        each
        for each in all_deposits_of(index, sitting)
        if not each.withdrawn and each.manifest.statement.deposit not in named
    )


def _held(desk: Desk, deposits: Sequence[Deposited]) -> dict[str, datetime]:
    now = desk.machine.clock()
    held = {}
    for reference in dict.fromkeys(each.reference for each in deposits):
        until = held_until(desk.view.ledger, reference, now)
        if until is not None:
            held[reference] = until
    return held


def hold(desk: Desk, dossiers: Sequence[str], until: datetime, reason: str) -> Accepted[Hold]:
    """Keep dossiers from being purged until a day; replaces the holds before it."""
    drafted = desk.draft(Hold, dossiers=tuple(dossiers), until=until, reason=reason)
    return desk.submit(drafted)[0]


def lift_hold(desk: Desk, dossiers: Sequence[str], reason: str) -> Accepted[Hold]:
    """End the hold on dossiers: from now on they may be purged as if there had been none."""
    drafted = desk.draft(Hold, dossiers=tuple(dossiers), until=None, reason=reason)
    return desk.submit(drafted)[0]


def held_dossiers(desk: Desk) -> dict[str, datetime]:
    """The dossiers under hold, by reference, and until when."""
    now, index = desk.machine.clock(), desk.view.ledger
    named = dict.fromkeys(
        reference for each in desk.load(Hold) for reference in each.statement.dossiers
    )
    found = {reference: held_until(index, reference, now) for reference in named}
    return {reference: until for reference, until in found.items() if until is not None}
