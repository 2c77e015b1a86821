"""Mandates between members for one sitting (CRPA R133-9): one at most for each who holds one."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.domain.errors import RuleError
from exchange.domain.ids import SeatCode
from exchange.domain.sittings import Sitting

Proxies = Mapping[SeatCode, SeatCode]
"""Who speaks for whom: the seat that gave its voice, and the seat that holds it."""


def check_proxy(sitting: Sitting, given: Proxies, giver: SeatCode, holder: SeatCode) -> None:
    """Raise RuleError unless ``giver`` may give its voice to ``holder``.

    ``given`` are the mandates in force at this sitting, a former one of the same giver left out.
    """
    seats = {taken.seat for taken in sitting.seats}
    if giver not in seats or holder not in seats:
        raise RuleError(
            "Un mandat se donne entre membres qui siègent à cette séance (CRPA, article R133-9)."
        )
    if giver == holder:
        raise RuleError("Un membre ne se donne pas mandat à lui-même.")
    others = {seat: to for seat, to in given.items() if seat != giver}
    if holder in others.values():
        raise RuleError(
            "Le siège « {seat} » tient déjà un mandat : nul n'en tient plus d'un (CRPA, article "
            "R133-9).",
            seat=holder,
        )
    if holder in others:
        raise RuleError(
            "Le siège « {seat} » a lui-même donné mandat : un mandat ne se transmet pas.",
            seat=holder,
        )
    if giver in others.values():
        raise RuleError(
            "Vous tenez le mandat d'un autre siège : rendez-le avant de donner le vôtre, un mandat "
            "ne se transmet pas."
        )
