"""For whom a deposit is sealed: computed from the verified ledger, never from the server's word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from crypto.digests import Digest, sha256
from crypto.edge.seal import envelope_for, header_for
from crypto.keys import Entropy, FileKey, Recipient
from crypto.statements.exchange import EnvelopeEntry, Purpose
from crypto.statements.registry import Role, RosterSeat, SeatKind, Sitting
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.registry import certificates_with, roster_of, seat_of, usable
from exchange.usecases.ledger import StatementIndex


@dataclass(frozen=True)
class Addressee:
    """One device that may read or pass on a deposit."""

    certificate: Digest
    purpose: Purpose
    recipient: Recipient
    name: str
    organisation: str
    seat: str | None


def readers(
    index: StatementIndex,
    sitting: Sitting,
    association: str,
    audience: tuple[str, ...] | None,
    now: datetime,
    *,
    not_these: frozenset[str] = frozenset(),
) -> tuple[Addressee, ...]:
    """Every usable device of every sitting seat in the audience that is not recused.

    A seat of the depositing association is recused from its dossiers (CRPA R133-12), a guest's seat
    never sits in the restricted formation: neither gets an envelope, whatever the sitting lists.

    Raises NotTrustworthyError when a certificate that the sitting names was not shown: by withholding it
    the service would choose who cannot read.
    """
    roster = roster_of(index).statement
    if audience is not None:
        _check_audience(sitting, audience)
    found = []
    for taken in sitting.seats:
        seat = seat_of(roster, taken.seat)
        if seat is None or seat.kind is SeatKind.GUEST or taken.person in not_these:
            continue
        if audience is not None and taken.seat not in audience:
            continue
        for digest in taken.certificates:
            if index.get(digest) is None:
                raise _withheld(taken.label)
            certificate = usable(index, digest, now)
            if certificate is None or certificate.person != taken.person:
                continue
            if Role.MEMBER not in certificate.roles or _recused(
                seat, certificate.organisation, association
            ):
                continue
            found.append(
                Addressee(
                    digest,
                    Purpose.READ,
                    certificate.recipient,
                    certificate.name,
                    certificate.organisation,
                    taken.seat,
                )
            )
    return tuple(found)


def colleagues(index: StatementIndex, association: str, now: datetime) -> tuple[Addressee, ...]:
    """Every usable device of the association's depositors: they may pass the dossier on (grant)."""
    return tuple(
        Addressee(
            each.digest,
            Purpose.GRANT,
            each.statement.recipient,
            each.statement.name,
            each.statement.organisation,
            None,
        )
        for each in certificates_with(index, Role.DEPOSITOR, now)
        if each.statement.organisation == association
    )


def _withheld(label: str) -> NotTrustworthyError:
    return NotTrustworthyError(
        "Le service ne montre pas le certificat d'une personne qui siège ({seat}) : le dossier ne serait "
        "pas scellé pour elle. Rien n'a été envoyé. Recommencez ; si cela se répète, prévenez le "
        "secrétariat.",
        seat=label,
    )


def _recused(seat: RosterSeat, organisation: str, association: str) -> bool:
    return association in {seat.organisation, organisation}


def _check_audience(sitting: Sitting, audience: tuple[str, ...]) -> None:
    taken = {seat.seat for seat in sitting.seats}
    unknown = sorted(set(audience) - taken)
    if unknown:
        raise NotPossibleError(
            "Le siège « {seat} » ne siège pas à cette séance : « dossier sittings » montre qui siège.",
            seat=unknown[0],
        )


@dataclass(frozen=True)
class SealedEnvelope:
    """An entry of the manifest and the envelope that it describes."""

    entry: EnvelopeEntry
    envelope: bytes


def seal_envelopes(
    file_key: FileKey, release: Recipient, addressees: Iterable[Addressee], entropy: Entropy
) -> tuple[SealedEnvelope, ...]:
    """One header for each addressee, each sealed to the release key."""
    return tuple(_seal_one(file_key, release, each, entropy) for each in addressees)


def _seal_one(
    file_key: FileKey, release: Recipient, addressee: Addressee, entropy: Entropy
) -> SealedEnvelope:
    header = header_for(file_key, addressee.recipient, entropy)
    envelope = envelope_for(header, release, entropy)
    entry = EnvelopeEntry(
        certificate=addressee.certificate,
        purpose=addressee.purpose,
        header_sha256=sha256(header),
        envelope_sha256=sha256(envelope),
    )
    return SealedEnvelope(entry, envelope)
