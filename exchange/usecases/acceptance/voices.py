"""Proxies and attendance: between those who sit, while the sitting is not over."""

from __future__ import annotations

from crypto.statements.presence import Attendance, Proxy
from crypto.statements.registry import Sitting
from exchange.domain.ids import SeatCode
from exchange.domain.proxies import check_proxy
from exchange.usecases.acceptance.context import AcceptanceContext, not_found
from exchange.usecases.errors import ConflictError, InvalidRequestError, explained
from exchange.usecases.facts import closing_of, latest_sitting, sitting_in_force
from exchange.usecases.presence import proxies_of, seat_of_person


def check_new_proxy(context: AcceptanceContext, statement: Proxy) -> None:
    """From a seat that one takes, within CRPA R133-9; taken back only where there is one."""
    sitting = _running(context, statement.sitting)
    person = context.signer(statement).statement.person
    giver = seat_of_person(sitting, person)
    if giver is None:
        raise not_found("Cette séance n'existe pas, ou vous n'y siégez pas.")
    given = proxies_of(context.index, statement.sitting)
    if statement.holder is None:
        if giver not in given:
            raise ConflictError("Vous n'avez pas donné de mandat à cette séance.")
        return
    with explained():
        check_proxy(sitting_in_force(sitting), given, giver, SeatCode(statement.holder))


def check_attendance(context: AcceptanceContext, statement: Attendance) -> None:
    """Of seats of the sitting, each once."""
    sitting = _running(context, statement.sitting)
    seats = [each.seat for each in statement.seats]
    if len(set(seats)) != len(seats):
        raise InvalidRequestError("Un siège figure deux fois parmi les présents.")
    unknown = set(seats) - {each.seat for each in sitting.seats}
    if unknown:
        raise InvalidRequestError(
            "Le siège « {seat} » ne siège pas à cette séance.", seat=min(unknown)
        )


def _running(context: AcceptanceContext, sitting: str) -> Sitting:
    latest = latest_sitting(context.index, sitting)
    if latest is None:
        raise not_found("Cette séance n'existe pas, ou vous n'y siégez pas.")
    if closing_of(context.index, sitting) or context.now >= latest.statement.closes_at:
        raise ConflictError("Cette séance est déjà close.")
    return latest.statement
