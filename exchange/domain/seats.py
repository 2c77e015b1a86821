"""Seats: an institution's place in the commission (CASF R121-12-7; the list is data, not code)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exchange.domain.ids import OrganisationCode, SeatCode


class SeatKind(StrEnum):
    """How a seat is filled. The values are those of the roster statement."""

    EX_OFFICIO = "ex-officio"
    DESIGNATED = "designated"
    ELECTED = "elected"
    ASSOCIATION = "association"
    GUEST = "guest"


class Capacity(StrEnum):
    """In which capacity a person holds or takes a seat."""

    TITULAR = "titular"
    ALTERNATE = "alternate"


@dataclass(frozen=True)
class Seat:
    """A place. ``organisation`` ties a seat to the dossiers that its organisation prepares."""

    code: SeatCode
    kind: SeatKind
    alternates: bool
    organisation: OrganisationCode | None = None
    voting: bool = True

    @property
    def of_law(self) -> bool:
        """Only seats of law sit in the restricted formation; a guest is heard and leaves
        (CRPA R133-6).
        """
        return self.kind is not SeatKind.GUEST

    def admits(self, capacity: Capacity) -> bool:
        """Whether someone may take the seat in that capacity.

        CRPA R133-3: a qualified person is not replaced; whether a given seat is one is the
        roster's to say (``alternates``). A guest has no seat of law to pass on.
        """
        if capacity is Capacity.TITULAR:
            return True
        return self.alternates and self.of_law
