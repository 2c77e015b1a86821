"""Before a first opening: the undertaking of confidentiality, and "no conflict of interest"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from crypto.digests import Digest, sha256
from crypto.statements.exchange import Declaration, Recusal, Undertaking
from crypto.statements.registry import Agenda, Sitting
from exchange.client.desk import Desk
from exchange.client.downloads import forget_of
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.registry import (
    agenda_of,
    is_withdrawn,
    my_mandate,
    my_seat,
    recused_persons,
    roster_of,
    seat_of,
    sitting_of,
)
from exchange.usecases.agendas import is_whole, listed
from exchange.usecases.facts import declaration_of, undertakings_of
from exchange.usecases.ledger import Accepted
from exchange.usecases.whole_agenda import sees_whole_agenda


def undertaking_text() -> bytes:
    """The text whose SHA-256 the member signs, as shown."""
    return files("exchange.client").joinpath("undertaking.txt").read_bytes()


@dataclass(frozen=True)
class Declarable:
    """What a member may declare at a sitting, and what is missing."""

    sitting: Accepted[Sitting]
    mandate: str
    undertaken: bool
    open_to_me: tuple[str, ...]
    """Dossiers of the agenda from which this member is not recused."""
    declared: frozenset[str]
    recused: frozenset[str]


def look(desk: Desk, sitting: str) -> Declarable:
    """Load a sitting and see what this member has declared so far."""
    desk.load_sitting(sitting)
    desk.status(sitting)
    index, person = desk.view.ledger, desk.certificate.statement.person
    found = sitting_of(index, sitting)
    mandate = my_mandate(index, found.statement, person)
    own = _own_association(desk, found.statement)
    agenda = agenda_of(index, sitting)
    _require_whole(desk, sitting, agenda)
    visible = [
        item.dossier
        for item in listed(index, agenda)
        if item.association not in own and not is_withdrawn(index, item.dossier)
    ]
    recused = frozenset(each for each in visible if person in recused_persons(index, sitting, each))
    return Declarable(
        found,
        mandate,
        any(each.statement.mandate == mandate for each in undertakings_of(index, person)),
        tuple(each for each in visible if each not in recused),
        frozenset(each for each in visible if declaration_of(index, sitting, each, person)),
        recused,
    )


def _require_whole(desk: Desk, sitting: str, agenda: Accepted[Agenda]) -> None:
    """A member from whom nothing can be kept must have been shown every item, decoys included."""
    index, own = desk.view.ledger, desk.certificate.statement
    if sees_whole_agenda(index, sitting, own.person, own.organisation) and not is_whole(
        index, agenda
    ):
        raise NotTrustworthyError(
            "Le service ne montre pas tout l'ordre du jour que le secrétariat a signé, alors que rien ne "
            "vous en écarte : un dossier peut vous être caché. Rien n'a été utilisé. Recommencez, puis "
            "prévenez le secrétariat."
        )


def _own_association(desk: Desk, sitting: Sitting) -> frozenset[str]:
    certificate = desk.certificate.statement
    taken = my_seat(sitting, certificate.person)
    seat = seat_of(roster_of(desk.view.ledger).statement, taken.seat) if taken else None
    return frozenset({certificate.organisation, (seat.organisation if seat else None) or ""})


def undertake(desk: Desk, mandate: str) -> Digest:
    """Sign the undertaking of confidentiality, once a mandate (CP 226-13)."""
    text = undertaking_text()
    unverified = desk.draft(Undertaking, mandate=mandate, text_sha256=sha256(text))
    desk.submit(unverified)
    desk.profile.write(text, "statements", f"{unverified.digest}.txt")
    return unverified.digest


def declare(desk: Desk, seen: Declarable, wanted: Sequence[str]) -> tuple[str, ...]:
    """Declare no conflict in ``wanted`` dossiers (all that are left when empty); returns them."""
    unknown = [each for each in wanted if each not in seen.open_to_me]
    if unknown:
        raise NotPossibleError(
            "Le dossier « {reference} » n'est pas à l'ordre du jour pour vous : il n'existe pas à cette "
            "séance, ou votre siège en est déporté.",
            reference=unknown[0],
        )
    due = tuple(each for each in (wanted or seen.open_to_me) if each not in seen.declared)
    if due:
        sitting = seen.sitting.statement.sitting
        desk.submit(desk.draft(Declaration, sitting=sitting, dossiers=due))
    return due


def recuse(desk: Desk, sitting: str, references: Sequence[str]) -> Digest:
    """Step aside from dossiers: done when the broker confirms it, for it ends every access.

    What was already taken is the member's to delete: files of theirs, wherever they put them.
    """
    unverified = desk.draft(Recusal, sitting=sitting, dossiers=tuple(references))
    desk.submit_and_confirm(unverified)
    forget_of(desk, sitting)
    return unverified.digest


def sitting_with(desk: Desk, reference: str) -> str:
    """The latest sitting whose agenda lists a dossier; raises NotPossibleError."""
    desk.source.begin()
    taken = desk.view.take(desk.api.sittings())
    known = [each.statement for each in taken if isinstance(each.statement, Sitting)]
    for sitting in sorted(known, key=lambda each: each.opens_at, reverse=True):
        desk.load_sitting(sitting.sitting)
        try:
            agenda = agenda_of(desk.view.ledger, sitting.sitting)
        except NotPossibleError:
            continue
        if any(item.dossier == reference for item in listed(desk.view.ledger, agenda)):
            return sitting.sitting
    raise NotPossibleError(
        "Le dossier « {reference} » n'est à l'ordre du jour d'aucune séance connue : vérifiez la "
        "référence.",
        reference=reference,
    )
