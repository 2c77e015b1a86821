"""Who must and who may get an envelope of a deposit."""

from __future__ import annotations

from datetime import datetime

from crypto.digests import Digest
from crypto.errors import UntrustedError
from crypto.statements.registry import Certificate, Role, Roster, SeatKind, Sitting
from exchange.domain.ids import OrganisationCode
from exchange.domain.sittings import is_structurally_recused
from exchange.usecases.authority import certified
from exchange.usecases.facts import roster_in_force
from exchange.usecases.ledger import StatementIndex


def reader_certificates(
    index: StatementIndex,
    sitting: Sitting,
    roster: Roster,
    *,
    association: str,
    audience: tuple[str, ...] | None,
    now: datetime,
) -> frozenset[Digest]:
    """Every usable device of each sitting seat that is in the audience and not recused."""
    seats = {seat.code: seat for seat in roster_in_force(roster).seats}
    found: set[Digest] = set()
    for taken in sitting.seats:
        seat = next((each for code, each in seats.items() if code == taken.seat), None)
        if seat is None or seat.kind.value == SeatKind.GUEST.value:
            continue
        if audience is not None and taken.seat not in audience:
            continue
        for digest in taken.certificates:
            certificate = _usable(index, digest, Role.MEMBER, now)
            if certificate is None or certificate.person != taken.person:
                continue
            own = OrganisationCode(certificate.organisation)
            if not is_structurally_recused(seat, own, OrganisationCode(association)):
                found.add(digest)
    return frozenset(found)


def grant_certificates(
    index: StatementIndex, *, association: str, now: datetime
) -> frozenset[Digest]:
    """Every usable device of the association's depositors."""
    return frozenset(
        each.digest
        for each in index.find(Certificate)
        if each.statement.organisation == association
        and _usable(index, each.digest, Role.DEPOSITOR, now) is not None
    )


def _usable(index: StatementIndex, digest: Digest, role: Role, now: datetime) -> Certificate | None:
    try:
        certificate = certified(index, digest, now).statement
    except UntrustedError:
        return None
    return certificate if role in certificate.roles else None
