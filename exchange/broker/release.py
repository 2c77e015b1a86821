"""Opening envelopes: the broker's whole verification, and nothing that rests on the server's word.

Several requests share an operation and its flushes, and nothing else: each is verified by itself.
Every check is made with the broker's own trust, statements, head and clock. What the server adds is
only *where to look*: statements with their receipts, and the receipt of the release itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.events import EventType
from audit.note import Note, NoteVerifier
from audit.receipts import VerifiedReceipt, disclosed_by
from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.digests import Digest, sha256
from crypto.encoding import parse_opaque_id
from crypto.envelope import check_envelope, check_header
from crypto.errors import CryptoError, MalformedError
from crypto.keys import HybridIdentity, Recipient
from crypto.statements import Statement, parse
from crypto.statements.exchange import AccessRequest, EnvelopeEntry, Manifest
from crypto.statements.registry import Agenda, Roster, Sitting
from exchange.broker.acknowledgement import acknowledge
from exchange.broker.custody import require_key
from exchange.broker.desk import Desk
from exchange.broker.receipts import require_own_cosignature, verified_receipt
from exchange.broker.record import Recorded
from exchange.broker.refusals import Why, reason_of, refusal
from exchange.broker.shown_agenda import with_item
from exchange.broker.witness import head_of
from exchange.domain.refusals import MESSAGES
from exchange.usecases.access import grounds_of, refusal_of
from exchange.usecases.authority import verify_statement
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerRefusalError
from exchange.usecases.facts import (
    in_sitting_chain,
    latest_agenda,
    latest_roster,
    latest_sitting,
    manifest_of,
    sealed_envelope,
)
from exchange.usecases.ledger import Accepted, StatementIndex
from exchange.usecases.ports import Attested, OpenRequest

KEPT_CHECKPOINTS: Final = 64
"""Readers' checkpoints remembered as cosigned: a member who opens twenty dossiers names one or two."""


@dataclass(frozen=True)
class _Opening:
    """A request that passed every check, and exactly what it opens."""

    request: Digest
    certificate: Digest
    manifest: Manifest
    manifest_digest: Digest
    purpose: str
    entry: EnvelopeEntry
    reply_key: Recipient
    index: int
    key: HybridIdentity


def open_envelopes(desk: Desk, requests: Sequence[OpenRequest]) -> list[bytes | BrokerRefusalError]:
    """For each request the header, sealed to its reply key, or why not; all of it recorded.

    At most ``record.LINES_TOGETHER`` at once.
    """
    # All that is shown counts for all: a revocation that comes with one stops another, too.
    noted = [_noted(desk, each) for each in requests]
    outcomes: list[_Answered | BrokerRefusalError] = []
    fresh: dict[str, dict[Digest, bytes]] = {}
    for each, problem in zip(requests, noted, strict=True):
        outcome = problem or _tried(desk, each, fresh)
        if isinstance(outcome, BrokerRefusalError):
            _record_refusal(desk, each, reason_of(outcome))
        outcomes.append(outcome)
    for deposit, answers in fresh.items():
        desk.store.answers.put(deposit, answers)
    # After the answers are durable and before they leave: nothing is revealed that is not recorded,
    # and a retry after a crash in between finds the same answer and records it then.
    opened = [each.recorded for each in outcomes if isinstance(each, _Answered)]
    desk.enter_all(RecordKind.OPENED, opened)
    return [each.answer if isinstance(each, _Answered) else each for each in outcomes]


@dataclass(frozen=True)
class _Answered:
    answer: bytes
    recorded: Recorded


def _answered(desk: Desk, shown: OpenRequest, fresh: dict[str, dict[Digest, bytes]]) -> _Answered:
    """The answer given before, else a new one, which is put among the ``fresh``."""
    opening = _verified(desk, shown)
    new = fresh.get(shown.deposit, {})
    answer = new.get(opening.request) or desk.store.answers.get(opening.request, shown.deposit)
    if answer is None:
        answer = _reseal(desk, opening, shown.envelope)
        fresh.setdefault(shown.deposit, {})[opening.request] = answer
    cites = {
        "access_request": opening.request,
        "certificate": opening.certificate,
        "manifest": opening.manifest_digest,
        "answer": sha256(answer),
    }
    facts = {"deposit": shown.deposit, "purpose": opening.purpose, "index": str(opening.index)}
    return _Answered(answer, Recorded(cites, facts))


def _tried(
    desk: Desk, shown: OpenRequest, fresh: dict[str, dict[Digest, bytes]]
) -> _Answered | BrokerRefusalError:
    try:
        return _answered(desk, shown, fresh)
    except BrokerRefusalError as error:
        return _told(error)


def _told(error: BrokerRefusalError) -> BrokerRefusalError:
    """The refusal without its history, which would keep this operation's keys in memory with it."""
    return BrokerRefusalError(error.message, **error.params)


def _noted(desk: Desk, shown: OpenRequest) -> BrokerRefusalError | None:
    try:
        desk.require_policy()
        _take_note(desk, shown.statements)
    except BrokerRefusalError as error:
        return _told(error)
    return None


def _verified(desk: Desk, shown: OpenRequest) -> _Opening:
    policy = desk.require_policy()
    index = desk.ledger.index
    try:
        unverified = parse(AccessRequest, shown.access_request)
    except CryptoError as error:
        raise refusal(Why.MALFORMED, error.message, **error.params) from error
    try:
        request = verify_statement(policy, index, unverified, desk.now).statement
    except CryptoError as error:
        raise refusal(Why.BAD_SIGNATURE, error.message, **error.params) from error
    _require_same_log(desk, request)
    manifest = manifest_of(index, shown.deposit)
    asked = shown.deposit in request.deposits and in_sitting_chain(
        index, request.sitting, request.sitting_sha256
    )
    if manifest is None or not asked:
        raise refusal(Why.NOT_AUTHORISED, "Cette demande ne porte pas sur ce dépôt.")
    _require_permit(desk, with_item(desk, request.sitting, shown.item), request, shown.deposit)
    receipt = _authorisation(desk, shown, request, unverified.digest)
    sealed = sealed_envelope(index, manifest, request.signer, request.purpose)
    if sealed is None or sha256(shown.envelope) != sealed.entry.envelope_sha256:
        raise refusal(
            Why.FOREIGN_ENVELOPE,
            "L'enveloppe présentée n'est pas celle que l'association a scellée.",
        )
    return _Opening(
        request=unverified.digest,
        certificate=request.signer,
        manifest=manifest.statement,
        manifest_digest=manifest.digest,
        purpose=request.purpose.value,
        entry=sealed.entry,
        reply_key=request.reply_key,
        index=receipt.index,
        key=require_key(desk, shown.deposit, sealed.release_key),
    )


def _take_note(desk: Desk, statements: tuple[Attested, ...]) -> None:
    """Acknowledge what is shown, in log order; and refuse to be shown the past as the present."""
    known = [desk.ledger.acknowledged(each.envelope) for each in statements]
    unknown = [each for each, found in zip(statements, known, strict=True) if found is None]
    taken = (acknowledge(desk, attested) for attested in sorted(unknown, key=_place))
    for accepted in (*(found for found in known if found), *taken):
        if accepted is not None and not _is_latest(desk, accepted):
            raise refusal(
                Why.STALE,
                "Une version dépassée a été présentée : le gardien des clés a pris acte d'une plus "
                "récente.",
            )


def _is_latest(desk: Desk, accepted: Accepted[Statement]) -> bool:
    index, statement = desk.ledger.index, accepted.statement
    match statement:
        case Roster():
            latest = {each.digest for each in [latest_roster(index)] if each}
        case Sitting():
            latest = {each.digest for each in [latest_sitting(index, statement.sitting)] if each}
        case Agenda():
            latest = {each.digest for each in [latest_agenda(index, statement.sitting)] if each}
        case _:
            return True
    return accepted.digest in latest


def _place(attested: Attested) -> int:
    try:
        return disclosed_by(attested.receipt).index
    except AuditError as error:
        raise refusal(Why.BAD_RECEIPT, error.message, **error.params) from error


def _require_same_log(desk: Desk, request: AccessRequest) -> None:
    """The reader's last checkpoint must be one of the history that this broker cosigned."""
    try:
        seen = _cosigned(request.checkpoint, desk.cosigner)
    except AuditError as error:
        raise refusal(
            Why.OTHER_LOG,
            "Le lecteur a vu un point de contrôle que le gardien des clés n'a pas cosigné.",
        ) from error
    head = head_of(desk)
    if head is None or seen.origin != head.origin or seen.size > head.size:
        raise refusal(
            Why.OTHER_LOG, "Le lecteur a vu un journal plus long que celui qui est présenté."
        )


@lru_cache(maxsize=KEPT_CHECKPOINTS)
def _cosigned(text: str, verifier: NoteVerifier) -> Checkpoint:
    """The checkpoint of a note that this key cosigned; raises AuditError, which is not remembered."""
    note = Note.parse(text.encode())
    note.verify([verifier])
    return Checkpoint.parse(note.text)


def _require_permit(
    desk: Desk, index: StatementIndex, request: AccessRequest, deposit: str
) -> None:
    reason = refusal_of(index, request, deposit, desk.now)
    if reason is not None:
        raise refusal(reason.value, MESSAGES[reason])


def _authorisation(
    desk: Desk, shown: OpenRequest, request: AccessRequest, digest: Digest
) -> VerifiedReceipt:
    """The log must hold a ``release.authorised`` that rests on exactly the statements in force."""
    receipt = verified_receipt(desk, shown.release)
    require_own_cosignature(desk, receipt)
    rests_on = grounds_of(desk.ledger.index, request, shown.deposit)
    details = receipt.details
    expected = {"access_request": digest, **rests_on}
    facts = {"deposit": shown.deposit, "purpose": request.purpose.value}
    if (details.type, details.cites, details.facts) != (
        EventType.RELEASE_AUTHORISED,
        expected,
        facts,
    ):
        raise refusal(
            Why.NOT_AUTHORISED,
            "Le journal ne contient pas l'autorisation de cette remise, telle que les déclarations "
            "en vigueur la fondent.",
        )
    return receipt


def _reseal(desk: Desk, opening: _Opening, envelope: bytes) -> bytes:
    """From the release key to the reply key; the header itself stays sealed to the reader."""
    try:
        check_envelope(envelope)
        header = decrypt_with(envelope, opening.key)
        check_header(header)
        if sha256(header) != opening.entry.header_sha256:
            raise MalformedError("L'en-tête n'est pas celui que l'association a annoncé.")
        return encrypt_to(header, opening.reply_key, desk.entropy)
    except CryptoError as error:
        raise refusal(
            Why.BROKEN_ENVELOPE,
            "L'enveloppe ne s'ouvre pas comme annoncé ({detail}) : demandez à l'association de "
            "l'ajouter de nouveau.",
            detail=str(error),
        ) from error


def _record_refusal(desk: Desk, shown: OpenRequest, reason: str) -> None:
    facts = {"reason": reason}
    cites: dict[str, Digest] = {}
    try:
        facts["deposit"] = parse_opaque_id(shown.deposit)
        unverified = parse(AccessRequest, shown.access_request)
    except CryptoError:
        pass  # what cannot be read is not repeated: the reason says that it was malformed
    else:
        cites["access_request"] = unverified.digest
    desk.enter(RecordKind.REFUSED, cites=cites, facts=facts)
