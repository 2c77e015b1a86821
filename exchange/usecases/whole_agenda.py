"""Who can tell that a service hides no dossier of an agenda: server and client reckon alike."""

from __future__ import annotations

from crypto.statements.exchange import Recusal
from crypto.statements.registry import Certificate, Role
from exchange.domain.ids import SeatCode
from exchange.usecases.facts import latest_roster, latest_sitting, person_of, roster_in_force
from exchange.usecases.ledger import StatementIndex


def sees_whole_agenda(
    index: StatementIndex, sitting: str, person: str, organisation: str | None
) -> bool:
    """Whether nothing of a sitting can be kept from this member: no recusal, and no association
    whose dossiers their seat or they themselves would be recused from by law.

    Such a member is shown the decoys too and can tell that no dossier is hidden. Whoever might be
    recused is never shown them: the absence of a dossier would be told as well.
    """
    version, roster = latest_sitting(index, sitting), latest_roster(index)
    taken = version and next((s for s in version.statement.seats if s.person == person), None)
    if not taken or roster is None:
        return False
    seat = roster_in_force(roster.statement).seat(SeatCode(taken.seat))
    depositing = {each.organisation for each in roster.statement.approvals} | {
        each.statement.organisation
        for each in index.find(Certificate)
        if Role.DEPOSITOR in each.statement.roles
    }
    by_law = seat is None or seat.organisation is not None or organisation in depositing
    recusals = index.find(Recusal, sitting=sitting)
    return not by_law and all(person_of(index, each.statement) != person for each in recusals)
