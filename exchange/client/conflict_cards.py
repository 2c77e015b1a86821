"""Conflict cards: an association adds one to a dossier, a member reads it before they declare."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from crypto.age.streams import Readable
from crypto.digests import sha256
from crypto.edge.conflict_card import (
    CONFLICT_CARD_PATH,
    CONFLICT_CARD_TYPE,
    MAX_CONFLICT_CARD_BYTES,
    ConflictCard,
)
from crypto.edge.container import Piece
from crypto.edge.unseal import open_payload
from crypto.errors import CryptoError
from crypto.statements.exchange import Kind, Manifest, Purpose
from exchange.client.card_check import check_container
from exchange.client.complaint import Faulty, note
from exchange.client.declare import Declarable
from exchange.client.deposit import Plan, Wanted, plan_papers
from exchange.client.desk import Desk
from exchange.client.downloads import altered
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.pieces import Papers
from exchange.client.registry import Deposited, agenda_of, all_deposits_of
from exchange.client.releases import Opened, Refusal, request_release
from exchange.usecases.agendas import listed
from exchange.usecases.service import MAX_CARD_BYTES


@dataclass(frozen=True)
class ShownCard:
    """What a card says of the person of one dossier."""

    reference: str
    card: ConflictCard


@dataclass(frozen=True)
class Cards:
    """Cards read, and those that were not."""

    shown: tuple[ShownCard, ...]
    refused: tuple[Refusal, ...]
    faulty: tuple[Faulty, ...]


def plan_card(desk: Desk, sitting: str, reference: str, card: ConflictCard) -> Plan:
    """The deposit of a dossier's card, for every seat that is not recused."""
    data = card.to_json()
    piece = Piece(CONFLICT_CARD_PATH, CONFLICT_CARD_TYPE, len(data), lambda: io.BytesIO(data))
    wanted = Wanted(sitting, Kind.CONFLICT_CARD, (), complement_of=reference)
    made = plan_papers(desk, wanted, Papers((piece,), ()))
    known = all_deposits_of(desk.view.ledger, sitting)
    if any(each.is_card and each.reference == reference for each in known):
        raise NotPossibleError("Ce dossier a déjà sa fiche de conflit : il n'en a qu'une.")
    return made


def cards_to_read(desk: Desk, seen: Declarable) -> tuple[Deposited, ...]:
    """The cards on the agenda of dossiers that this member is not recused from."""
    index, sitting = desk.view.ledger, seen.sitting.statement.sitting
    on_agenda = {
        digest for item in listed(index, agenda_of(index, sitting)) for digest in item.manifests
    }
    return tuple(
        each
        for each in all_deposits_of(index, sitting)
        if each.is_card
        and not each.withdrawn
        and each.manifest.digest in on_agenda
        and each.reference in seen.open_to_me
    )


def read_cards(desk: Desk, seen: Declarable, references: Sequence[str]) -> Cards:
    """Ask for cards, check them as every deposit, and keep nothing of them on this machine.

    Each opening is a logged release; the undertaking must be signed, the declaration need not be.
    """
    wanted = [
        each for each in cards_to_read(desk, seen) if not references or each.reference in references
    ]
    missing = sorted(set(references) - {each.reference for each in wanted})
    if missing or not wanted:
        raise NotPossibleError(
            "Aucune fiche de conflit n'accompagne {dossiers} : déclarez d'après ce que vous savez, ou "
            "demandez au secrétariat.",
            dossiers=", ".join(missing) or seen.sitting.statement.sitting,
        )
    answer = request_release(desk, seen.sitting, wanted, Purpose.READ)
    shown, faulty = [], list(answer.faulty)
    for opened in answer.opened:
        card = _card_in(desk, opened)
        if card is None:
            fault = Faulty.content_of(opened.deposited, opened.header)
            note(desk.profile, fault)
            faulty.append(fault)
        else:
            shown.append(ShownCard(opened.deposited.reference, card))
    return Cards(tuple(shown), answer.refused, tuple(faulty))


def _card_in(desk: Desk, opened: Opened) -> ConflictCard | None:
    """The card, None when the depositor sealed something else. Memory only."""
    manifest = opened.deposited.manifest
    if manifest.statement.length > MAX_CARD_BYTES:
        return None
    found: dict[str, bytes] = {}

    def keep(path: str, size: int, stream: Readable) -> None:
        if size <= MAX_CONFLICT_CARD_BYTES:
            found[path] = stream.read(size)

    plaintext = open_payload(opened.file_key, io.BytesIO(_payload(desk, manifest.statement)))
    try:
        check_container(desk.view.ledger, manifest, plaintext, keep)
        return ConflictCard.parse(found.get(CONFLICT_CARD_PATH, b""))
    except (CryptoError, NotTrustworthyError):
        return None


def _payload(desk: Desk, manifest: Manifest) -> bytes:
    """The few kilobytes that were signed; raises NotTrustworthyError for any others."""
    data = bytearray()
    for piece in desk.api.payload(manifest.deposit, 0):
        data += piece
        if len(data) > manifest.length:
            break
    if len(data) != manifest.length or sha256(bytes(data)) != manifest.sha256:
        raise altered(manifest)
    return bytes(data)
