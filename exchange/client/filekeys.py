"""The depositor's own copy of a deposit's file key, under their own identity, on their own machine.

So a lost broker costs a re-grant, not a dossier. It is deleted at withdrawal and at closing, for
otherwise "nothing opens after closing" would not hold for this machine.
"""

from __future__ import annotations

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.edge.unseal import check_commitment
from crypto.keys import FileKey
from crypto.statements.exchange import Manifest
from exchange.client.desk import Desk
from exchange.client.registry import is_closed, is_withdrawn
from exchange.usecases.facts import latest_sitting


def keep_file_key(desk: Desk, deposit: str, file_key: FileKey) -> None:
    """Keep a file key as an age file to the own recipient."""
    data = encrypt_to(file_key.reveal(), desk.identity.recipient, desk.machine.entropy)
    desk.profile.write(data, *desk.profile.filekey_path(deposit))


def local_file_key(desk: Desk, manifest: Manifest) -> FileKey | None:
    """The kept file key of a deposit, checked against the manifest's commitment; None when absent."""
    data = desk.profile.read(*desk.profile.filekey_path(manifest.deposit))
    if data is None:
        return None
    file_key = FileKey(decrypt_with(data, desk.identity.age_identity))
    check_commitment(file_key, manifest.nonce, manifest.commitment)
    return file_key


def forget_ended(desk: Desk) -> int:
    """Delete the local file keys of dossiers withdrawn and sittings closed; returns how many."""
    kept, index, now = set(desk.profile.filekeys()), desk.view.ledger, desk.machine.clock()
    ended = 0
    for manifest in index.find(Manifest):
        statement = manifest.statement
        if statement.deposit not in kept:
            continue
        sitting = latest_sitting(index, statement.sitting)
        over = sitting is not None and is_closed(index, sitting.statement, now)
        if over or is_withdrawn(index, statement.dossier):
            desk.profile.forget_filekey(statement.deposit)
            ended += 1
    return ended
