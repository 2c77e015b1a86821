"""Which seats were given the key of this association's dossiers, and when: proved by the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.events import EventType
from audit.receipts import VerifiedReceipt, verify_receipt
from crypto.digests import Digest
from crypto.statements.exchange import Manifest, Purpose
from crypto.statements.registry import Certificate, Sitting
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.registry import Deposited, all_deposits_of


@dataclass(frozen=True)
class SeatRead:
    """A seat was given the key of a deposit. ``card``: of its conflict card only."""

    dossier: str
    deposit: str
    seat: str
    label: str
    at: datetime
    card: bool


def read_receipts(desk: Desk, dossier: str) -> tuple[SeatRead, ...]:
    """The readings of a dossier of one's own association, oldest first; by seat, never by person.

    Each is a receipt of the log. A service that keeps one back cannot be caught here: the auditor's
    verification catches it.
    """
    own = desk.certificate.statement.organisation
    manifests = desk.load(Manifest, dossier=dossier)
    if manifests:
        desk.load_sitting(manifests[0].statement.sitting)
    deposits = [
        each
        for manifest in manifests[:1]
        for each in all_deposits_of(desk.view.ledger, manifest.statement.sitting)
        if each.reference == dossier and each.association == own
    ]
    if not deposits:
        raise NotPossibleError(
            "Le dossier « {reference} » n'est pas un dossier de votre association.",
            reference=dossier,
        )
    found = [read for each in deposits for read in _of_deposit(desk, each)]
    return tuple(sorted(found, key=lambda read: read.at))


def _of_deposit(desk: Desk, deposited: Deposited) -> list[SeatRead]:
    desk.source.begin()
    answers = desk.api.releases_of(deposited.manifest.statement.deposit)
    receipts = [verify_receipt(each, desk.view.log) for each in answers]
    desk.source.accept([each.checkpoint for each in receipts], desk.machine.clock())
    found = (_seat_read(desk, deposited, receipt) for receipt in receipts)
    return [each for each in found if each is not None]


def _seat_read(desk: Desk, deposited: Deposited, receipt: VerifiedReceipt) -> SeatRead | None:
    """None for a colleague's release, made to grant and not to read."""
    details, statement = receipt.details, deposited.manifest.statement
    if (
        details.type is not EventType.RELEASE_AUTHORISED
        or details.facts.get("deposit") != statement.deposit
    ):
        raise NotTrustworthyError(
            "Le service a remis le récépissé d'un autre événement pour ce dossier : rien n'a été utilisé. "
            "Recommencez ; si cela se répète, prévenez le vérificateur."
        )
    if details.facts.get("purpose") != Purpose.READ:
        return None
    certificate = desk.view.need(Certificate, details.cites["certificate"])
    seat, label = _seat(desk, statement.sitting, certificate.digest, certificate.statement.person)
    return SeatRead(
        statement.dossier, statement.deposit, seat, label, details.at, deposited.is_card
    )


def _seat(desk: Desk, sitting: str, certificate: Digest, person: str) -> tuple[str, str]:
    """The seat that listed the device, in the latest version that did."""
    for version in reversed(desk.view.ledger.find(Sitting, sitting=sitting)):
        for taken in version.statement.seats:
            if certificate in taken.certificates and taken.person == person:
                return taken.seat, taken.label
    raise NotTrustworthyError(
        "Une clé de ce dossier a été remise à un appareil qui n'était listé à aucun siège : prévenez le "
        "vérificateur de la préfecture."
    )
