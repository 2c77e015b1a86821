"""Proxies that members give each other, who takes part, and the quorum of each dossier."""

from __future__ import annotations

from collections.abc import Mapping

from crypto.statements.presence import Attendance, Presence, Proxy, SeatPresence
from crypto.statements.registry import Roster
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError
from exchange.client.registry import agenda_of, sitting_of
from exchange.usecases.agendas import listed
from exchange.usecases.ledger import Accepted
from exchange.usecases.presence import DossierQuorum, attendance_of, quorum_by_dossier


def give_proxy(desk: Desk, sitting: str, holder: str | None) -> Accepted[Proxy]:
    """Give the voice of one's seat to another seat, or take it back (None)."""
    desk.load_sitting(sitting)
    sitting_of(desk.view.ledger, sitting)
    return desk.submit(desk.draft(Proxy, sitting=sitting, holder=holder))[0]


def record_attendance(
    desk: Desk, sitting: str, present: Mapping[str, Presence]
) -> Accepted[Attendance]:
    """Record who takes part; every other seat is absent."""
    desk.load_sitting(sitting)
    sitting_of(desk.view.ledger, sitting)
    seats = tuple(SeatPresence(seat=seat, presence=how) for seat, how in present.items())
    return desk.submit(desk.draft(Attendance, sitting=sitting, seats=seats))[0]


def count_quorum(desk: Desk, sitting: str) -> tuple[DossierQuorum, ...]:
    """The quorum of each dossier of the agenda; raises NotPossibleError before an attendance."""
    desk.load(Roster)
    desk.load_sitting(sitting)
    index = desk.view.ledger
    found = sitting_of(index, sitting)
    if attendance_of(index, sitting) is None:
        raise NotPossibleError(
            "Les présents ne sont pas encore inscrits : « dossier registrar attendance »."
        )
    return quorum_by_dossier(index, found, listed(index, agenda_of(index, sitting)))
