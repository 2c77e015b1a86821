"""Sending a sealed deposit by parts, and its commit; both can be repeated without harm.

Several parts are under way at once. Each is remembered in the profile as soon as the server says that
it is on its disk, in whatever order: a client that dies sends the others only.
"""

from __future__ import annotations

import os
import threading
from typing import Final

from audit.events import EventType
from crypto.statements import parse
from crypto.statements.exchange import Manifest
from exchange.client.ahead import ahead
from exchange.client.deposit_state import DepositState, Pending
from exchange.client.desk import Desk
from exchange.client.errors import ServerRefusedError, TransportError
from exchange.client.trusted_view import narrowed
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

MAX_PART_BYTES: Final = 64 * 1_048_576
"""A part is held in memory: the server may ask for another size than 8 MiB, within reason."""

UPLOAD_WORKERS: Final = 4
"""Parts sent at once: one is on the way while the service syncs another to its disk, and a long way
fills."""

UPLOAD_MEMORY_BYTES: Final = 64 * 1_048_576
"""What all parts under way may take; with parts as large as the largest, one at a time."""


def send(desk: Desk, pending: Pending, state: DepositState) -> Accepted[Manifest]:
    """Upload what is missing, commit, and verify the receipt."""
    if not 1 <= state.part_bytes <= MAX_PART_BYTES:
        raise TransportError("Le service demande des morceaux d'une taille déraisonnable.")
    _upload(desk, pending, state, pending.sent_parts())
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
        _upload(desk, pending, state, frozenset())
        return desk.api.commit_deposit(state.deposit, state.manifest, state.envelopes, pending.key)


def _upload(desk: Desk, pending: Pending, state: DepositState, sent: frozenset[int]) -> None:
    """Send every part that is not in ``sent``."""
    size, part_bytes = pending.payload.stat().st_size, state.part_bytes
    last = -(-size // part_bytes)
    progress = desk.machine.progress.begin("Envoi", size)
    progress(sum(_length(number, size, part_bytes) for number in sent))
    lock, done = threading.Lock(), set(sent)
    with pending.payload.open("rb") as payload:

        def put(number: int) -> None:
            data = os.pread(payload.fileno(), part_bytes, (number - 1) * part_bytes)
            desk.api.put_part(state.deposit, number, data)
            with lock:
                done.add(number)
                pending.save_sent_parts(done)
                progress(len(data))

        missing = (number for number in range(1, last + 1) if number not in sent)
        workers = max(1, min(UPLOAD_WORKERS, UPLOAD_MEMORY_BYTES // part_bytes))
        for _ in ahead(put, missing, workers):
            pass


def _length(number: int, size: int, part_bytes: int) -> int:
    return max(0, min(part_bytes, size - (number - 1) * part_bytes))
