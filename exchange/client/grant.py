"""Late envelopes: for a member named after the deposit, or for a colleague's new device."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.digests import Digest
from crypto.keys import FileKey
from crypto.statements.custody import ReleaseKey
from crypto.statements.exchange import EnvelopeEntry, Grant, Manifest, Purpose
from crypto.statements.registry import Sitting
from exchange.client.complaint import refused_for
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError
from exchange.client.filekeys import forget_ended, keep_file_key, local_file_key
from exchange.client.recipients import Addressee, colleagues, readers, seal_envelopes
from exchange.client.registry import (
    Deposited,
    all_deposits_of,
    complaints_of,
    grants_of,
    is_closed,
    recused_persons,
    sitting_of,
)
from exchange.client.releases import request_release
from exchange.usecases.facts import release_key_of
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested


@dataclass(frozen=True)
class Granted:
    """New envelopes for one deposit."""

    reference: str
    deposit: str
    statement: Digest
    addressees: tuple[Addressee, ...]


def open_sittings(desk: Desk) -> tuple[str, ...]:
    """The sittings that are not over, as far as this client may see."""
    desk.source.begin()
    taken = desk.view.take(desk.api.sittings())
    now = desk.machine.clock()
    return tuple(
        each.statement.sitting
        for each in taken
        if isinstance(each.statement, Sitting)
        and not is_closed(desk.view.ledger, each.statement, now)
    )


def grant(
    desk: Desk, sitting: str, references: tuple[str, ...], reason: str
) -> tuple[Granted, ...]:
    """Seal the envelopes that are missing in this association's deposits of a sitting.

    ``references`` limits to some dossiers; empty means all.
    """
    desk.load_sitting(sitting)
    desk.status(sitting)
    forget_ended(desk)
    found = sitting_of(desk.view.ledger, sitting)
    association = desk.certificate.statement.organisation
    own = [
        each
        for each in all_deposits_of(desk.view.ledger, sitting)
        if each.association == association and not each.withdrawn
    ]
    unknown = set(references) - {each.reference for each in own}
    if unknown:
        raise NotPossibleError(
            "Le dossier « {reference} » n'est pas un dossier de votre association à cette séance.",
            reference=min(unknown),
        )
    chosen = [each for each in own if not references or each.reference in references]
    return tuple(
        done
        for each in chosen
        if (done := _grant_one(desk, found, association, each, reason)) is not None
    )


def _grant_one(
    desk: Desk, sitting: Accepted[Sitting], association: str, deposited: Deposited, reason: str
) -> Granted | None:
    manifest = deposited.manifest
    release_key = _release_key(desk, manifest.statement)
    missing = _missing(desk, sitting.statement, association, deposited, release_key.digest)
    if not missing:
        return None
    file_key = _file_key(desk, sitting, deposited)
    envelopes = seal_envelopes(
        file_key, release_key.statement.recipient, missing, desk.machine.entropy
    )
    unverified = desk.draft(
        Grant,
        manifest=manifest.digest,
        release_key_sha256=release_key.digest,
        envelopes=tuple(each.entry for each in envelopes),
        reason=reason,
    )
    desk.source.begin()
    receipt = desk.api.add_grant(
        manifest.statement.deposit, unverified.envelope, [each.envelope for each in envelopes]
    )
    desk.view.take([Attested(unverified.envelope, receipt)])
    desk.profile.keep_statement(unverified.digest, unverified.envelope)
    desk.profile.keep_receipt(unverified.digest, receipt)
    return Granted(
        deposited.reference, manifest.statement.deposit, unverified.digest, tuple(missing)
    )


def _release_key(desk: Desk, manifest: Manifest) -> Accepted[ReleaseKey]:
    """The key to seal to: by a broker that the trust policy still names, else made by its successor.

    The service only carries the new key: it is signed by a broker that the roots named, for this
    very deposit, and proved to be in the log.
    """
    key = release_key_of(desk.view.ledger, manifest.deposit) or desk.view.need(
        ReleaseKey, manifest.release_key_sha256
    )
    if desk.view.policy.broker_key(key.statement.signer) is None:
        desk.source.begin()
        key = desk.view.take_as(
            ReleaseKey, desk.api.renew_release_key(manifest.deposit, manifest.sitting_sha256)
        )
    statement = key.statement
    ours = (statement.deposit, statement.sitting) == (manifest.deposit, manifest.sitting)
    if not ours or desk.view.policy.broker_key(statement.signer) is None:
        raise NotPossibleError("La clé de dépôt de ce dossier n'est pas celle de son manifeste.")
    return key


def _missing(
    desk: Desk, sitting: Sitting, association: str, deposited: Deposited, release_key: Digest
) -> list[Addressee]:
    index, now, manifest = desk.view.ledger, desk.machine.clock(), deposited.manifest
    aside = recused_persons(index, sitting.sitting, deposited.reference)
    due = (
        *readers(index, sitting, association, manifest.statement.audience, now, not_these=aside),
        *colleagues(index, association, now),
    )
    # What is sealed to the key of a broker that was lost serves nobody any more.
    sealed: list[EnvelopeEntry] = []
    if manifest.statement.release_key_sha256 == release_key:
        sealed.extend(manifest.statement.envelopes)
    for each in grants_of(index, manifest.digest):
        if each.statement.release_key_sha256 == release_key:
            sealed.extend(each.statement.envelopes)
    # A header that its reader complained of does not serve: a newer envelope takes its place.
    dead = {each.statement.header_sha256 for each in complaints_of(index, manifest.digest)}
    serving = [entry for entry in sealed if entry.header_sha256 not in dead]
    have = {(entry.certificate, entry.purpose) for entry in serving}
    return [each for each in due if (each.certificate, each.purpose) not in have]


def _file_key(desk: Desk, sitting: Accepted[Sitting], deposited: Deposited) -> FileKey:
    """The local copy, or an authorised release for this purpose (logged, without declaration)."""
    kept = local_file_key(desk, deposited.manifest.statement)
    if kept is not None:
        return kept
    answer = request_release(desk, sitting, [deposited], Purpose.GRANT)
    if answer.refused:
        raise NotPossibleError(
            "La clé du dossier « {reference} » n'est pas sur cet appareil, et le service refuse de la "
            "remettre : {message}",
            reference=deposited.reference,
            message=answer.refused[0].message,
        )
    if answer.faulty:
        raise refused_for(answer.faulty[0])
    file_key = answer.opened[0].file_key
    keep_file_key(desk, deposited.manifest.statement.deposit, file_key)
    return file_key
