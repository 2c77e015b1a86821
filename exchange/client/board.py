"""The deadlines that concern a person, from what their login may know."""

from __future__ import annotations

from typing import Final

from crypto.statements.exchange import ComplementRequest
from crypto.statements.registry import Certificate, Roster, Sitting
from exchange.client.desk import Desk
from exchange.client.registry import deposits_of, is_closed, is_withdrawn, revoked
from exchange.domain.deadlines import (
    Deadline,
    DeadlineKind,
    EndOfDay,
    due,
    of_roster,
    of_sitting,
)
from exchange.usecases.facts import (
    complement_request_of,
    latest_roster,
    latest_sitting,
    roster_in_force,
    sitting_in_force,
)

ZONE: Final = "Europe/Paris"
"""In which mandates and approvals end, where no sitting says another."""


def board(desk: Desk) -> tuple[Deadline, ...]:
    """The quarter to come: the secretariat's whole, a person's own."""
    now, index = desk.machine.clock(), desk.view.ledger
    desk.source.begin()
    for each in desk.take(desk.api.sittings()):
        if isinstance(each.statement, Sitting):
            desk.load_sitting(each.statement.sitting)
    found: list[Deadline] = []
    for sitting in {each.statement.sitting for each in index.find(Sitting)}:
        latest = latest_sitting(index, sitting)
        if latest is None or is_closed(index, latest.statement, now):
            continue
        found += of_sitting(sitting_in_force(latest.statement))
        found += _complements(desk, sitting)
    found += _certificates(desk)
    if desk.who.certificate is None:
        desk.load(Roster)
        roster = latest_roster(index)
        if roster is not None:
            found += of_roster(roster_in_force(roster.statement), EndOfDay(ZONE))
        found.append(Deadline(DeadlineKind.POLICY_ENDS, desk.view.policy.policy.expires_at, ""))
    return due(found, now)


def _complements(desk: Desk, sitting: str) -> list[Deadline]:
    """Those that were asked for and not answered since."""
    index = desk.view.ledger
    found = []
    for dossier in {
        each.statement.dossier for each in index.find(ComplementRequest, sitting=sitting)
    }:
        asked = complement_request_of(index, sitting, dossier)
        deposits = [each for each in deposits_of(index, sitting) if each.reference == dossier]
        if asked is None or is_withdrawn(index, dossier):
            continue
        if not any(each.manifest.order > asked.order for each in deposits):
            found.append(Deadline(DeadlineKind.COMPLEMENT, asked.statement.answer_by, dossier))
    return found


def _certificates(desk: Desk) -> list[Deadline]:
    """One's own device; every person's for the secretariat."""
    index = desk.view.ledger
    mine = desk.who.person
    certificates = desk.load(Certificate) if mine is None else desk.load(Certificate, person=mine)
    return [
        Deadline(
            DeadlineKind.CERTIFICATE_ENDS, each.statement.not_after, each.statement.organisation
        )
        for each in certificates
        if not revoked(index, each.digest)
    ]
