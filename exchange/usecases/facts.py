"""From accepted statements to what the policy decides on.

Everything here is computed from the statements in an index, so that server, broker and replay
reach the same facts from the same statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from crypto.digests import Digest, tagged_sha256
from crypto.labels import REVOKED_LIST
from crypto.statements import Statement
from crypto.statements.custody import Destruction, ReleaseKey
from crypto.statements.exchange import (
    ComplementRequest,
    Declaration,
    EnvelopeEntry,
    Grant,
    Kind,
    Manifest,
    Purpose,
    Recusal,
    Undertaking,
    Withdrawal,
)
from crypto.statements.registry import Agenda, Certificate, Closing, Revocation, Roster, Sitting
from exchange.domain import dossiers, mandates, policy, seats, sittings
from exchange.domain.ids import (
    CertificateId,
    DepositId,
    DossierReference,
    MandateId,
    ManifestId,
    OrganisationCode,
    PersonId,
    SeatCode,
    SittingId,
)
from exchange.usecases.agendas import shown_items
from exchange.usecases.authority import find_certificate, revocation_of
from exchange.usecases.converted import converted_once
from exchange.usecases.ledger import Accepted, StatementIndex

V = TypeVar("V", Roster, Sitting, Agenda)
S = TypeVar("S", bound=Statement)

# --- the latest versions ------------------------------------------------------------------------


def latest_roster(index: StatementIndex) -> Accepted[Roster] | None:
    """The roster in force."""
    return _latest(index.find(Roster))


def latest_sitting(index: StatementIndex, sitting: str) -> Accepted[Sitting] | None:
    """The version of a sitting in force."""
    return _latest(index.find(Sitting, sitting=sitting))


def latest_agenda(index: StatementIndex, sitting: str) -> Accepted[Agenda] | None:
    """The agenda of a sitting in force."""
    return _latest(index.find(Agenda, sitting=sitting))


def closing_of(index: StatementIndex, sitting: str) -> Accepted[Closing] | None:
    """The closing of a sitting, once there is one."""
    return next(iter(index.find(Closing, sitting=sitting)), None)


def ended_at(index: StatementIndex, sitting: str) -> datetime | None:
    """When a sitting ended: its closing, or ``closes_at`` where nobody closed it."""
    closing, latest = closing_of(index, sitting), latest_sitting(index, sitting)
    if closing is not None:
        return closing.at
    return latest.statement.closes_at if latest else None


def in_sitting_chain(index: StatementIndex, sitting: str, digest: Digest) -> bool:
    """Whether ``digest`` is a version of that sitting."""
    return any(version.digest == digest for version in index.find(Sitting, sitting=sitting))


def revoked_digest(index: StatementIndex) -> Digest:
    """What a broker's status says of all revoked certificates: their sorted digests, hashed."""
    revoked = {each.statement.certificate for each in index.find(Revocation)}
    parts = [bytes.fromhex(digest) for digest in sorted(revoked)]
    return Digest(tagged_sha256(REVOKED_LIST, parts).hex())


def _latest(versions: Sequence[Accepted[V]]) -> Accepted[V] | None:
    if len(versions) == 1:  # most agendas and sittings, asked for at each release
        return versions[0]
    return max(versions, key=lambda version: version.statement.version, default=None)


# --- deposits -----------------------------------------------------------------------------------


def manifest_of(index: StatementIndex, deposit: str) -> Accepted[Manifest] | None:
    """The manifest committed for a deposit."""
    return next(iter(index.find(Manifest, deposit=deposit)), None)


def association_of(index: StatementIndex, statement: Statement) -> OrganisationCode | None:
    """The organisation of the certificate that signed a manifest, grant or withdrawal."""
    certificate = find_certificate(index, statement.signer)
    return OrganisationCode(certificate.statement.organisation) if certificate else None


def person_of(index: StatementIndex, statement: Statement) -> PersonId | None:
    """The person of the certificate that signed."""
    certificate = find_certificate(index, statement.signer)
    return PersonId(certificate.statement.person) if certificate else None


def withdrawal_of(
    index: StatementIndex, dossier: str, association: str
) -> Accepted[Withdrawal] | None:
    """The withdrawal of a dossier by its own association; another's counts for nothing."""
    for accepted in index.find(Withdrawal, dossier=dossier):
        if association_of(index, accepted.statement) == association:
            return accepted
    return None


def association_of_dossier(index: StatementIndex, dossier: str) -> OrganisationCode | None:
    """The association that deposited a dossier under this reference."""
    first = next(iter(index.find(Manifest, dossier=dossier)), None)
    return association_of(index, first.statement) if first else None


def complement_request_of(
    index: StatementIndex, sitting: str, dossier: str
) -> Accepted[ComplementRequest] | None:
    """The latest request for missing pieces of a dossier; it replaces those before."""
    found = index.find(ComplementRequest, sitting=sitting, dossier=dossier)
    return found[-1] if found else None


def is_key_destroyed(index: StatementIndex, release_key: Digest) -> bool:
    """Whether the broker declared that it destroyed this release key."""
    return any(release_key in each.statement.release_keys for each in index.find(Destruction))


def release_key_of(index: StatementIndex, deposit: str) -> Accepted[ReleaseKey] | None:
    """The newest release key made for a deposit: there are several when a broker was replaced."""
    return next(reversed(index.find(ReleaseKey, deposit=deposit)), None)


@dataclass(frozen=True)
class SealedEnvelope:
    """Where the envelope for one certificate and purpose is named: manifest, or a later grant."""

    entry: EnvelopeEntry
    grant: Accepted[Grant] | None
    release_key: Digest
    """The release key that it is sealed to."""


def sealed_envelope(
    index: StatementIndex, manifest: Accepted[Manifest], certificate: Digest, purpose: Purpose
) -> SealedEnvelope | None:
    """The newest envelope for a certificate: a grant is made because the first did not serve."""
    grants = index.find(Grant, manifest=manifest.digest)
    association = association_of(index, manifest.statement)
    for grant in reversed(grants):
        entry = _entry(grant.statement.envelopes, certificate, purpose)
        if entry and association_of(index, grant.statement) == association:
            return SealedEnvelope(entry, grant, grant.statement.release_key_sha256)
    entry = _entry(manifest.statement.envelopes, certificate, purpose)
    key = manifest.statement.release_key_sha256
    return SealedEnvelope(entry, None, key) if entry else None


def _entry(
    entries: Iterable[EnvelopeEntry], certificate: Digest, purpose: Purpose
) -> EnvelopeEntry | None:
    return next(
        (each for each in entries if each.certificate == certificate and each.purpose == purpose),
        None,
    )


# --- one person and one dossier -----------------------------------------------------------------


def declaration_of(
    index: StatementIndex, sitting: str, dossier: str, person: str
) -> Accepted[Declaration] | None:
    """The person's latest declaration of no conflict for a dossier of a sitting."""
    return _latest_by(index, index.find(Declaration, sitting=sitting, dossier=dossier), person)


def recusal_of(
    index: StatementIndex, sitting: str, dossier: str, person: str
) -> Accepted[Recusal] | None:
    """The person's recusal from a dossier of a sitting."""
    return _latest_by(index, index.find(Recusal, sitting=sitting, dossier=dossier), person)


def undertakings_of(index: StatementIndex, person: str) -> Sequence[Accepted[Undertaking]]:
    """The undertakings of confidentiality that a person signed, with whatever device."""
    devices = index.find(Certificate, person=person)
    return [
        accepted for each in devices for accepted in index.find(Undertaking, signer=each.digest)
    ]


def _latest_by(
    index: StatementIndex, found: Sequence[Accepted[S]], person: str
) -> Accepted[S] | None:
    mine = [each for each in found if person_of(index, each.statement) == person]
    return mine[-1] if mine else None


# --- for the policy -----------------------------------------------------------------------------


def access_facts(
    index: StatementIndex,
    *,
    certificate: Digest,
    sitting: str,
    deposit: str,
    purpose: Purpose,
    now: datetime,
) -> policy.AccessFacts:
    """All that ``policy.decide`` needs; what the index does not hold stays unknown."""
    held = find_certificate(index, certificate)
    version = latest_sitting(index, sitting)
    roster = latest_roster(index)
    agenda = latest_agenda(index, sitting)
    manifest = manifest_of(index, deposit)
    person = held.statement.person if held else ""
    dossier = manifest.statement.dossier if manifest else ""
    return policy.AccessFacts(
        now=now,
        purpose=policy.Purpose(purpose.value),
        certificate=certificate_held(index, held) if held else None,
        roster=roster_in_force(roster.statement) if roster else None,
        sitting=sitting_in_force(version.statement) if version else None,
        closed=closing_of(index, sitting) is not None,
        agenda=shown_items(index.opened(agenda.digest)) if agenda else (),
        deposit=committed_deposit(index, manifest) if manifest else None,
        undertakings=frozenset(
            MandateId(each.statement.mandate) for each in undertakings_of(index, person)
        ),
        declared=declaration_of(index, sitting, dossier, person) is not None,
        recused=recusal_of(index, sitting, dossier, person) is not None,
        sealed=manifest is not None
        and sealed_envelope(index, manifest, certificate, purpose) is not None,
    )


def cited(
    index: StatementIndex, *, certificate: Digest, sitting: str, deposit: str, purpose: Purpose
) -> dict[str, Digest]:
    """The statements on which an authorised release rests, by their role in its event."""
    held = find_certificate(index, certificate)
    manifest = manifest_of(index, deposit)
    if held is None or manifest is None:
        return {}
    sealed = sealed_envelope(index, manifest, certificate, purpose)
    rests_on: dict[str, Accepted[Statement] | None] = {
        "certificate": held,
        "roster": latest_roster(index),
        "sitting": latest_sitting(index, sitting),
        "agenda": latest_agenda(index, sitting),
        "manifest": manifest,
        "grant": sealed.grant if sealed else None,
    }
    if purpose is Purpose.READ:
        person, dossier = held.statement.person, manifest.statement.dossier
        rests_on["declaration"] = declaration_of(index, sitting, dossier, person)
        rests_on["undertaking"] = _undertaking(index, sitting, person)
    return {role: accepted.digest for role, accepted in rests_on.items() if accepted}


def _undertaking(index: StatementIndex, sitting: str, person: str) -> Accepted[Statement] | None:
    version, roster = latest_sitting(index, sitting), latest_roster(index)
    if version is None or roster is None:
        return None
    meeting = sitting_in_force(version.statement)
    taken = meeting.taken_by(PersonId(person))
    held = roster_in_force(roster.statement)
    if taken is None:
        return None
    mandated = held.mandates_of(taken.seat, taken.person, meeting.opening_day)
    wanted = [each.mandate for each in mandated if each.capacity is taken.capacity]
    signed = undertakings_of(index, person)
    return next((each for each in signed if each.statement.mandate in wanted[:1]), None)


def certificate_held(
    index: StatementIndex, accepted: Accepted[Certificate]
) -> policy.CertificateHeld:
    """A certificate as the policy sees it."""
    statement = accepted.statement
    return policy.CertificateHeld(
        certificate=CertificateId(accepted.digest),
        person=PersonId(statement.person),
        organisation=OrganisationCode(statement.organisation),
        roles=frozenset(policy.Role(role.value) for role in statement.roles),
        not_before=statement.not_before,
        not_after=statement.not_after,
        revoked=revocation_of(index, accepted.digest) is not None,
    )


@converted_once
def roster_in_force(statement: Roster) -> mandates.Roster:
    """A roster statement as the domain's roster."""
    return mandates.Roster(
        seats=tuple(
            seats.Seat(
                code=SeatCode(each.seat),
                kind=seats.SeatKind(each.kind.value),
                alternates=each.alternates,
                organisation=OrganisationCode(each.organisation) if each.organisation else None,
                voting=each.voting,
            )
            for each in statement.seats
        ),
        mandates=tuple(
            mandates.Mandate(
                mandate=MandateId(each.mandate),
                seat=SeatCode(each.seat),
                person=PersonId(each.person),
                capacity=seats.Capacity(each.capacity.value),
                from_day=each.from_day,
                to_day=each.to_day,
            )
            for each in statement.mandates
        ),
        approvals=tuple(
            mandates.Approval(OrganisationCode(each.organisation), each.from_day, each.to_day)
            for each in statement.approvals
        ),
    )


@converted_once
def sitting_in_force(statement: Sitting) -> sittings.Sitting:
    """A sitting statement as the domain's sitting."""
    return sittings.Sitting(
        sitting=SittingId(statement.sitting),
        stage=sittings.Stage(statement.stage.value),
        zone=statement.zone,
        deposit_by=statement.deposit_by,
        opens_at=statement.opens_at,
        closes_at=statement.closes_at,
        urgency=statement.urgency is not None,
        second_convocation=statement.second_convocation,
        seats=tuple(
            sittings.SeatTaken(
                seat=SeatCode(each.seat),
                person=PersonId(each.person),
                capacity=seats.Capacity(each.capacity.value),
                certificates=frozenset(CertificateId(digest) for digest in each.certificates),
            )
            for each in statement.seats
        ),
    )


def committed_deposit(
    index: StatementIndex, manifest: Accepted[Manifest]
) -> dossiers.CommittedDeposit | None:
    """A manifest as the domain's deposit; None when its signer is not certified in this index."""
    statement = manifest.statement
    association = association_of(index, statement)
    if association is None:
        return None
    audience = statement.audience
    newest = release_key_of(index, statement.deposit)
    key = newest.digest if newest else statement.release_key_sha256
    return dossiers.CommittedDeposit(
        deposit=DepositId(statement.deposit),
        manifest=ManifestId(manifest.digest),
        sitting=SittingId(statement.sitting),
        dossier=DossierReference(statement.dossier),
        association=association,
        audience=None if audience is None else frozenset(SeatCode(code) for code in audience),
        withdrawn=withdrawal_of(index, statement.dossier, association) is not None,
        key_destroyed=is_key_destroyed(index, key),
        is_card=statement.kind is Kind.CONFLICT_CARD,
    )
