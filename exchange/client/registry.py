"""Readings of the verified ledger that several commands share: who, which seat, which deposits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crypto.digests import Digest
from crypto.statements.exchange import Complaint, Grant, Kind, Manifest, Recusal, Withdrawal
from crypto.statements.registry import (
    Agenda,
    Certificate,
    Closing,
    Revocation,
    Role,
    Roster,
    RosterSeat,
    Sitting,
    SittingSeat,
)
from exchange.client.errors import NotPossibleError
from exchange.usecases.facts import latest_agenda, latest_roster, latest_sitting
from exchange.usecases.ledger import Accepted, StatementIndex


def sitting_of(index: StatementIndex, sitting: str) -> Accepted[Sitting]:
    """The latest version of a sitting; raises NotPossibleError."""
    found = latest_sitting(index, sitting)
    if found is None:
        raise NotPossibleError(
            "La séance « {sitting} » n'existe pas, ou ce profil n'y a pas accès : « dossier sittings » "
            "montre les séances connues.",
            sitting=sitting,
        )
    return found


def agenda_of(index: StatementIndex, sitting: str) -> Accepted[Agenda]:
    """The latest agenda of a sitting; raises NotPossibleError."""
    found = latest_agenda(index, sitting)
    if found is None:
        raise NotPossibleError("L'ordre du jour de cette séance n'est pas encore publié.")
    return found


def roster_of(index: StatementIndex) -> Accepted[Roster]:
    """The latest roster; raises NotPossibleError."""
    found = latest_roster(index)
    if found is None:
        raise NotPossibleError(
            "La composition de la commission n'est pas encore publiée : « dossier registrar seat »."
        )
    return found


def is_closed(index: StatementIndex, sitting: Sitting, now: datetime) -> bool:
    """Whether the sitting is over, by a closing or by its own clock."""
    return now >= sitting.closes_at or bool(index.find(Closing, sitting=sitting.sitting))


def seat_of(roster: Roster, code: str) -> RosterSeat | None:
    """A seat of the roster by its code."""
    return next((seat for seat in roster.seats if seat.seat == code), None)


def revoked(index: StatementIndex, certificate: Digest) -> bool:
    """Whether a known revocation names this certificate."""
    return bool(index.find(Revocation, certificate=certificate))


def usable(index: StatementIndex, certificate: Digest, now: datetime) -> Certificate | None:
    """The certificate if it is verified, valid now and unrevoked."""
    found = index.get(certificate)
    if found is None or not isinstance(found.statement, Certificate):
        return None
    statement = found.statement
    if revoked(index, certificate) or not statement.not_before <= now < statement.not_after:
        return None
    return statement


def certificates_with(
    index: StatementIndex, role: Role, now: datetime, **references: str
) -> tuple[Accepted[Certificate], ...]:
    """Usable certificates of a role, oldest first."""
    return tuple(
        each
        for each in index.find(Certificate, **references)
        if role in each.statement.roles and usable(index, each.digest, now)
    )


def my_seat(sitting: Sitting, person: str) -> SittingSeat | None:
    """The seat that a person takes at a sitting."""
    return next((seat for seat in sitting.seats if seat.person == person), None)


def my_mandate(index: StatementIndex, sitting: Sitting, person: str) -> str:
    """The id of the mandate under which a person sits; raises NotPossibleError."""
    seat = my_seat(sitting, person)
    roster = roster_of(index).statement
    for mandate in roster.mandates:
        if seat and mandate.person == person and mandate.seat == seat.seat:
            return mandate.mandate
    raise NotPossibleError(
        "Vous ne siégez pas à cette séance : il n'y a ni engagement ni déclaration à signer. Si c'est "
        "une erreur, prévenez le secrétariat."
    )


@dataclass(frozen=True)
class Deposited:
    """One committed deposit, as seen here. ``complement`` is 0 for the dossier's first deposit, and
    for its conflict card.
    """

    association: str
    manifest: Accepted[Manifest]
    complement: int
    withdrawn: bool

    @property
    def reference(self) -> str:
        """The dossier's reference."""
        return self.manifest.statement.dossier

    @property
    def file_stem(self) -> str:
        """``k7qf2-m3xta``, ``k7qf2-m3xta-c1`` or, for its card, ``k7qf2-m3xta-fiche``."""
        if self.is_card:
            return f"{self.reference}-fiche"
        return self.reference + (f"-c{self.complement}" if self.complement else "")

    @property
    def is_card(self) -> bool:
        """A conflict card, and no part of the dossier that a pack holds."""
        return self.manifest.statement.kind is Kind.CONFLICT_CARD


def association_of(index: StatementIndex, manifest: Manifest) -> str:
    """The organisation of the depositor's certificate; raises NotPossibleError."""
    signer = index.get(manifest.signer)
    if signer is None or not isinstance(signer.statement, Certificate):
        raise NotPossibleError("Le certificat du déposant n'est pas connu : recommencez.")
    return signer.statement.organisation


def deposits_of(index: StatementIndex, sitting: str) -> tuple[Deposited, ...]:
    """Dossiers and complements of a sitting that this client knows, in the order of their commit."""
    return tuple(each for each in all_deposits_of(index, sitting) if not each.is_card)


def all_deposits_of(index: StatementIndex, sitting: str) -> tuple[Deposited, ...]:
    """Conflict cards too."""
    counts: dict[str, int] = {}
    found = []
    for manifest in index.find(Manifest, sitting=sitting):
        reference = manifest.statement.dossier
        made = Deposited(
            association_of(index, manifest.statement),
            manifest,
            counts.get(reference, 0),
            is_withdrawn(index, reference),
        )
        if made.is_card:
            made = replace(made, complement=0)
        else:
            counts[reference] = made.complement + 1
        found.append(made)
    return tuple(found)


def is_withdrawn(index: StatementIndex, reference: str) -> bool:
    """Whether a dossier was withdrawn."""
    return bool(index.find(Withdrawal, dossier=reference))


def grants_of(index: StatementIndex, manifest: Digest) -> Sequence[Accepted[Grant]]:
    """The grants to a deposit, oldest first."""
    return index.find(Grant, manifest=manifest)


def complaints_of(index: StatementIndex, manifest: Digest) -> Sequence[Accepted[Complaint]]:
    """What readers complained of in a deposit, as far as this client may know."""
    return index.find(Complaint, manifest=manifest)


def recused_persons(index: StatementIndex, sitting: str, reference: str) -> frozenset[str]:
    """Who stepped aside from a dossier, as far as this client may know."""
    recusals = index.find(Recusal, sitting=sitting, dossier=reference)
    signers = (index.get(each.statement.signer) for each in recusals)
    return frozenset(
        signer.statement.person
        for signer in signers
        if signer is not None and isinstance(signer.statement, Certificate)
    )
