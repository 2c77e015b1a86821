"""Sending a sealed deposit by parts, and its commit; both can be repeated without harm."""

from __future__ import annotations

from typing import Final

from audit.events import EventType
from crypto.statements import parse
from crypto.statements.exchange import Manifest
from exchange.client.deposit_state import DepositState, Pending
from exchange.client.desk import Desk
from exchange.client.errors import ServerRefusedError, TransportError
from exchange.client.trusted_view import narrowed
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

MAX_PART_BYTES: Final = 64 * 1_048_576
"""A part is held in memory: the server may ask for another size than 8 MiB, within reason."""


def send(desk: Desk, pending: Pending, state: DepositState) -> Accepted[Manifest]:
    """Upload what is missing, commit, and verify the receipt."""
    if not 1 <= state.part_bytes <= MAX_PART_BYTES:
        raise TransportError("Le service demande des morceaux d'une taille déraisonnable.")
    _upload(desk, pending, state, first=pending.sent_parts())
    unverified = parse(Manifest, state.manifest)
    desk.source.begin()
    receipt = _commit(desk, pending, state)
    statement = unverified.statement
    cites = {
        "manifest": unverified.digest,
        "certificate": statement.signer,
        "release_key": statement.release_key_sha256,
    }
    desk.view.check_receipt(
        receipt, EventType.DEPOSIT_COMMITTED, cites, {"deposit": statement.deposit}
    )
    taken = desk.view.take([Attested(state.manifest, receipt)])[0]
    desk.profile.keep_statement(unverified.digest, state.manifest)
    desk.profile.keep_receipt(f"deposit-{statement.deposit}", receipt)
    return narrowed(Manifest, taken)


def _commit(desk: Desk, pending: Pending, state: DepositState) -> bytes:
    try:
        return desk.api.commit_deposit(state.deposit, state.manifest, state.envelopes, pending.key)
    except ServerRefusedError as refusal:
        # The server lost parts that it had acknowledged (restored from a backup): send all again.
        if refusal.code not in {"object-conflict", "object-missing"} or not pending.sent_parts():
            raise
        _upload(desk, pending, state, first=0)
        return desk.api.commit_deposit(state.deposit, state.manifest, state.envelopes, pending.key)


def _upload(desk: Desk, pending: Pending, state: DepositState, *, first: int) -> None:
    size = pending.payload.stat().st_size
    progress = desk.machine.progress.begin("Envoi", size)
    with pending.payload.open("rb") as payload:
        payload.seek(first * state.part_bytes)
        progress(min(first * state.part_bytes, size))
        number = first
        while data := payload.read(state.part_bytes):
            number += 1
            desk.api.put_part(state.deposit, number, data)
            pending.save_sent_parts(number)
            progress(len(data))
