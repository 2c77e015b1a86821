"""Whether a commission may deliberate on a dossier (CRPA R133-10), counted for each dossier.

The text counts half of the members that compose the commission, present in the room, by telephone or
video, or having given a mandate. Whoever is recused from a dossier does not take part in it (R133-12) and
is not counted as present for it; the members that compose the commission stay the same. That is the
stricter reading: it never finds a quorum that another would deny.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from exchange.domain.ids import SeatCode
from exchange.domain.proxies import Proxies


@dataclass(frozen=True)
class Quorum:
    """What was counted for one dossier."""

    members: int
    """Seats with a voice at this sitting."""
    present: int
    represented: int
    second_convocation: bool

    @property
    def needed(self) -> int:
        """Half of the members, rounded up; nobody in particular at a second convocation."""
        return 0 if self.second_convocation else (self.members + 1) // 2

    @property
    def reached(self) -> bool:
        """Whether the commission may deliberate. An empty room never may."""
        counted = self.present + self.represented
        return self.present > 0 and counted >= self.needed


def quorum_of(
    voting: AbstractSet[SeatCode],
    taking_part: AbstractSet[SeatCode],
    proxies: Proxies,
    recused: AbstractSet[SeatCode],
    *,
    second_convocation: bool,
) -> Quorum:
    """Count for one dossier: a mandate counts if its holder takes part and neither is recused."""
    present = (voting & taking_part) - recused
    represented = {
        giver
        for giver, holder in proxies.items()
        if giver in voting and giver not in taking_part | recused and holder in present
    }
    return Quorum(len(voting), len(present), len(represented), second_convocation)
