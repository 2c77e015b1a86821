"""The broker's record against the log, both ways.

The log says what was authorised; the record, kept and signed by another party, what was opened. An
opening that the log does not know is a reveal that somebody tried to hide.
"""

from __future__ import annotations

from datetime import datetime

from audit.checkpoint import Checkpoint, parse_decimal
from audit.errors import AuditError
from audit.merkle import leaf_hash, root_of
from audit.note import KeyType, Note, NoteVerifier
from crypto.digests import Digest
from crypto.statements.custody import Destruction, ReleaseKey
from exchange.replay.bundle import Bundle
from exchange.replay.codes import Code
from exchange.replay.history import History
from exchange.usecases.broker_record import RecordEntry, RecordKind, record_origin
from exchange.usecases.bundle_layout import RECORD_CHECKPOINT_PATH, RECORD_PATH


def reconcile(history: History, bundle: Bundle, size: int, head_at: datetime) -> int:
    """Check the record and compare it; how many envelopes it says were opened.

    ``size`` is that of the log, ``head_at`` when the broker cosigned the log's checkpoint.
    """
    lines, note = bundle.read(RECORD_PATH), bundle.read(RECORD_CHECKPOINT_PATH)
    if lines is None or note is None:
        history.findings.add(Code.RECORD_MISSING)
        return 0
    try:
        entries, signer = _verified(history, lines, note)
    except AuditError as error:
        history.findings.add(Code.RECORD_BROKEN, reason=error)
        return 0
    for entry in entries:
        if entry.kind is RecordKind.OPENED:
            _opened(history, entry, size, head_at)
        elif entry.kind is RecordKind.KEY_MADE:
            _key_made(history, entry, head_at)
        elif entry.kind is RecordKind.DESTROYED:
            _destroyed(history, entry, head_at)
        elif entry.kind is RecordKind.CUSTODY:
            history.custody = entry.facts.get("custody")
    _compare_log(history, entries, signer)
    return sum(entry.kind is RecordKind.OPENED for entry in entries)


def _verified(
    history: History, lines: bytes, note: bytes
) -> tuple[tuple[RecordEntry, ...], Digest | None]:
    """The entries under the broker's signature, and which key signed; raises AuditError."""
    if history.policy is None:
        return (), None
    origin = record_origin(history.policy.policy.origin)
    keys = {key for policy in history.policies for key in policy.policy.broker_keys}
    verifiers = [NoteVerifier(origin, KeyType.ED25519, key) for key in keys]
    parsed = Note.parse(note)
    signed_by = parsed.verify(verifiers)
    checkpoint = Checkpoint.parse(parsed.text)
    raw = lines.split(b"\n")
    whole = raw.pop() == b""
    root = root_of([leaf_hash(line) for line in raw])
    if (
        not whole
        or checkpoint.origin != origin
        or (len(raw), root)
        != (
            checkpoint.size,
            checkpoint.root,
        )
    ):
        raise _not_as_signed()
    entries = tuple(RecordEntry.parse(line) for line in raw)
    if any(entry.number != place for place, entry in enumerate(entries)):
        raise _not_as_signed()
    for entry in entries:
        if entry.kind is RecordKind.OPENED:
            parse_decimal(entry.facts.get("index", ""))
    return entries, next(iter(signed_by)).key.fingerprint


def _opened(history: History, entry: RecordEntry, size: int, head_at: datetime) -> None:
    deposit = entry.facts.get("deposit", "")
    shown = {"deposit": deposit, "number": entry.number}
    event = parse_decimal(entry.facts.get("index", ""))
    request = entry.cites.get("access_request", Digest(""))
    release = history.releases.get((request, deposit))
    if release is not None:
        release.opened = True
        cited = (entry.cites.get("certificate"), entry.cites.get("manifest"))
        if cited != (release.certificate, release.manifest):
            history.findings.add(Code.OPENED_DIFFERS, release.index, **shown)
    elif event >= size:
        # Opened after the bundle's checkpoint: the next bundle will tell. Opened before it: the
        # log that the broker saw was longer than the one shown here.
        if entry.at <= head_at:
            history.findings.add(Code.LOG_TRUNCATED, None, event=event, **shown)
    elif _is_erased(history, event):
        history.impossible["rapprochement avec le registre du gardien"] += 1
    else:
        history.findings.add(Code.OPENED_NOT_LOGGED, None, **shown)


def _key_made(history: History, entry: RecordEntry, head_at: datetime) -> None:
    deposit = entry.facts.get("deposit", "")
    if entry.at > head_at or entry.cites.get("release_key") in history.keys_of(deposit):
        return
    if history.erasures.count:
        history.impossible["rapprochement avec le registre du gardien"] += 1
    else:
        history.findings.add(Code.KEY_NOT_LOGGED, None, deposit=deposit)


def _destroyed(history: History, entry: RecordEntry, head_at: datetime) -> None:
    digest = entry.cites.get("destruction", Digest(""))
    if entry.at > head_at or digest in history.destructions:
        return
    if history.erasures.count:
        history.impossible["rapprochement avec le registre du gardien"] += 1
    else:
        history.findings.add(Code.DESTRUCTION_NOT_LOGGED, None, number=entry.number)


def _compare_log(history: History, entries: tuple[RecordEntry, ...], signer: Digest | None) -> None:
    """What the log attributes to the broker must stand in the record of the same broker key."""
    recorded = {digest for entry in entries for digest in entry.cites.values()}
    for deposit in history.begun:
        for digest in history.keys_of(deposit):
            if _made_by(history, digest, signer) and digest not in recorded:
                history.findings.add(Code.KEY_NOT_RECORDED, None, deposit=deposit)
    for release in history.releases.values():
        # Who downloaded had the header: if the record says nothing of it, its end is held back.
        key = history.key_at(release.deposit, release.index)
        if release.read and not release.opened and _made_by(history, key, signer):
            history.findings.add(Code.RECORD_TRUNCATED, release.index, deposit=release.deposit)
    for digest, index in history.destructions.items():
        destruction = history.statement(digest, Destruction)
        if destruction is None or destruction.statement.signer != signer:
            continue
        if digest not in recorded:
            history.findings.add(Code.DESTRUCTION_NOT_RECORDED, index)


def _made_by(history: History, digest: Digest | None, signer: Digest | None) -> bool:
    """Whether a release key is of the broker whose record this is: after a change of broker, the
    record of the new one says nothing of the old one's keys.
    """
    key = history.statement(digest, ReleaseKey)
    return key is not None and key.statement.signer == signer


def _is_erased(history: History, index: int) -> bool:
    ranges = (*history.erasures.lawful, *history.erasures.unattested)
    return any(first <= index <= last for first, last in ranges)


def _not_as_signed() -> AuditError:
    return AuditError("Ses lignes ont été modifiées, ajoutées ou retirées.")
