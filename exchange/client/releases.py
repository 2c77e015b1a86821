"""Asking for envelopes and believing nothing of the answer until it is checked, in this order.

(1) The receipt proves that ``release.authorised`` is in the log, citing my request, my certificate
and this manifest: logged before revealed. (2) The reply opens with the key that I drew for this
request only. (3) The header is the one whose hash the depositor signed for my certificate. (4) The
file key in it is the one that the manifest commits to; where it is not, the depositor who signed both
is at fault, and the deposit is set apart without stopping the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from audit.events import EventType
from crypto.age.decrypt import decrypt_with
from crypto.age.identities import recipient_of
from crypto.digests import Digest, sha256
from crypto.encoding import new_opaque_id
from crypto.keys import FileKey, HybridIdentity
from crypto.statements import Unverified
from crypto.statements.exchange import AccessRequest, EnvelopeEntry, Grant, Manifest, Purpose
from crypto.statements.registry import Sitting
from exchange.client.api import attested, field, many, octets, optional, text, utf8
from exchange.client.complaint import Faulty, judged, note
from exchange.client.desk import Desk
from exchange.client.errors import NotTrustworthyError
from exchange.client.registry import Deposited, grants_of
from exchange.usecases.ledger import Accepted

NONCE_BYTES: Final = 32


@dataclass(frozen=True)
class Opened:
    """A deposit whose file key this client now holds, verified."""

    deposited: Deposited
    header: bytes
    file_key: FileKey
    receipt: bytes


@dataclass(frozen=True)
class Refusal:
    """A deposit that the service refused, and its reason."""

    reference: str
    deposit: str
    reason: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    opened: tuple[Opened, ...]
    refused: tuple[Refusal, ...]
    faulty: tuple[Faulty, ...] = ()
    """Deposits whose header, as their depositor signed it, gives nothing of use."""


def request_release(
    desk: Desk, sitting: Accepted[Sitting], wanted: Sequence[Deposited], purpose: Purpose
) -> Answer:
    """Ask for the envelopes of ``wanted`` deposits and check each answer."""
    reply = HybridIdentity.generate(desk.machine.entropy)
    request = desk.draft(
        AccessRequest,
        sitting=sitting.statement.sitting,
        sitting_sha256=sitting.digest,
        deposits=tuple(each.manifest.statement.deposit for each in wanted),
        purpose=purpose,
        nonce=desk.machine.entropy(NONCE_BYTES),
        reply_key=recipient_of(reply),
        checkpoint=(desk.source.keeper.last() or b"").decode(),
    )
    desk.source.begin()
    answer = desk.api.release(request.envelope, new_opaque_id(desk.machine.entropy))
    desk.profile.keep_statement(request.digest, request.envelope)
    asked = {each.manifest.statement.deposit: each for each in wanted}
    released = [
        _open(desk, request, asked, release, reply)
        for release in field(answer, "releases", many(dict))
    ]
    refused = tuple(
        _refusal(desk, request, asked, refusal) for refusal in field(answer, "refusals", many(dict))
    )
    answered = [deposited.manifest.statement.deposit for deposited, _ in released]
    _require_all_answered(asked, [*answered, *(each.deposit for each in refused)])
    found = [each for _, each in released]
    for each in found:
        if isinstance(each, Faulty):
            note(desk.profile, each)
    return Answer(
        tuple(each for each in found if isinstance(each, Opened)),
        refused,
        tuple(each for each in found if isinstance(each, Faulty)),
    )


def _asked(asked: dict[str, Deposited], answer: Any) -> Deposited:
    found = asked.get(field(answer, "deposit", text))
    if found is None:
        raise NotTrustworthyError("Le service a répondu pour un dépôt qui n'était pas demandé.")
    return found


def _require_all_answered(asked: dict[str, Deposited], answered: Sequence[str]) -> None:
    if sorted(answered) != sorted(asked):
        raise NotTrustworthyError(
            "Le service n'a pas répondu exactement une fois pour chaque dépôt demandé : rien n'a été "
            "utilisé. Recommencez ; si cela se répète, prévenez le secrétariat."
        )


def _open(
    desk: Desk,
    request: Unverified[AccessRequest],
    asked: dict[str, Deposited],
    release: Any,
    reply: HybridIdentity,
) -> tuple[Deposited, Opened | Faulty]:
    deposited = _asked(asked, release)
    manifest = desk.view.take_as(Manifest, field(release, "manifest", attested))
    if manifest.digest != deposited.manifest.digest:
        raise NotTrustworthyError(
            "Le service a remis un autre manifeste que celui de l'ordre du jour : rien n'a été utilisé."
        )
    grant = field(release, "grant", optional(attested))
    if grant is not None:
        desk.view.take_as(Grant, grant)
    purpose = request.statement.purpose
    receipt = field(release, "receipt", utf8)
    _check_release_receipt(desk, request, manifest, receipt)
    header = decrypt_with(field(release, "header", octets), reply)
    _require_signed_header(desk, manifest, header, purpose)
    file_key = judged(deposited, header, desk.identity.age_identity)
    if isinstance(file_key, Faulty):
        return deposited, file_key
    return deposited, Opened(deposited, header, file_key, receipt)


def _check_release_receipt(
    desk: Desk,
    request: Unverified[AccessRequest],
    manifest: Accepted[Manifest],
    receipt: bytes,
) -> None:
    verified = desk.view.check_receipt(
        receipt,
        EventType.RELEASE_AUTHORISED,
        {
            "access_request": request.digest,
            "certificate": desk.signer,
            "manifest": manifest.digest,
        },
        {
            "deposit": manifest.statement.deposit,
            "purpose": request.statement.purpose.value,
        },
    )
    cited = verified.details.cites.get("sitting")
    known = None if cited is None else desk.view.ledger.get(cited)
    if known is None or getattr(known.statement, "sitting", None) != request.statement.sitting:
        raise NotTrustworthyError(
            "L'autorisation enregistrée est celle d'une autre séance : rien n'a été utilisé."
        )


def my_entries(
    desk: Desk, manifest: Accepted[Manifest], purpose: Purpose
) -> tuple[EnvelopeEntry, ...]:
    """The envelopes that depositors signed for this device, in the manifest and in grants."""
    entries = [*manifest.statement.envelopes]
    for grant in grants_of(desk.view.ledger, manifest.digest):
        entries.extend(grant.statement.envelopes)
    return tuple(
        each for each in entries if each.certificate == desk.signer and each.purpose is purpose
    )


def _require_signed_header(
    desk: Desk, manifest: Accepted[Manifest], header: bytes, purpose: Purpose
) -> None:
    signed = {entry.header_sha256 for entry in my_entries(desk, manifest, purpose)}
    if sha256(header) not in signed:
        raise NotTrustworthyError(
            "L'en-tête reçu n'est pas celui que l'association a signé pour cet appareil : il a été "
            "échangé. Rien n'a été utilisé ; prévenez le secrétariat."
        )


def _refusal(
    desk: Desk, request: Unverified[AccessRequest], asked: dict[str, Deposited], refusal: Any
) -> Refusal:
    deposited = _asked(asked, refusal)
    deposit = deposited.manifest.statement.deposit
    reason = field(refusal, "reason", text)
    cites: dict[str, Digest] = {"access_request": request.digest}
    receipt = field(refusal, "receipt", utf8)
    verified = desk.view.check_any_receipt(
        receipt, (EventType.RELEASE_REFUSED, EventType.RELEASE_FAILED), cites, {"deposit": deposit}
    )
    logged = verified.details.facts.get("reason", reason)
    return Refusal(deposited.reference, deposit, logged, field(refusal, "message", text))
