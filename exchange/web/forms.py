"""The JSON of the API: one type for each body that comes in and each that goes out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from crypto.encoding import encode_base64
from crypto.statements.custody import IndexRange
from crypto.statements.dsse import MAX_ENVELOPE_BYTES
from crypto.statements.fields import MAX_ITEMS, DigestField, OpaqueId
from crypto.statements.model import Strict
from exchange.usecases.agenda_wire import MAX_OPENINGS_BYTES, AgendaShown, OpeningsSent
from exchange.usecases.ports import Attested

MAX_SMALL_BODY: Final = 4_096
"""A body that holds two ids and no statement."""

MAX_STATEMENT_BODY: Final = MAX_ENVELOPE_BYTES + MAX_ENVELOPE_BYTES // 8
"""One statement's envelope as a JSON string: each of its quotes takes a backslash."""

MAX_STATEMENT_AND_OPENINGS_BODY: Final = MAX_STATEMENT_BODY + MAX_OPENINGS_BYTES
"""A statement; with an agenda, what it lists."""

MAX_ENVELOPE_CHARS: Final = 8_192
"""One sealed envelope in base64: 3.5 kB of age file take 4.7 kB."""

MAX_ENVELOPES_BODY: Final = MAX_STATEMENT_BODY + MAX_ITEMS * MAX_ENVELOPE_CHARS
"""A manifest and the most envelopes that it may name."""

Envelope = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ENVELOPE_BYTES)]
"""A DSSE envelope as the JSON text that was signed over and stored."""

Sealed = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ENVELOPE_CHARS)]
SealedEnvelopes = Annotated[
    tuple[Sealed, ...], Field(strict=False, min_length=1, max_length=MAX_ITEMS)
]


class Empty(Strict):
    """``{}``."""


class StatementForm(Strict):
    """One signed statement."""

    statement: Envelope


class AcceptForm(StatementForm):
    """With an agenda, the openings of all its items."""

    openings: OpeningsSent = ()


class BeginDepositForm(Strict):
    """For which sitting, and which version of it the depositor saw."""

    sitting: OpaqueId
    sitting_sha256: DigestField


class ReleaseKeyForm(Strict):
    """Which version of the deposit's sitting the depositor saw."""

    sitting_sha256: DigestField


class CommitDepositForm(Strict):
    """The manifest and one envelope for each of its entries, in base64."""

    manifest: Envelope
    envelopes: SealedEnvelopes


class GrantForm(Strict):
    """The grant and one envelope for each of its entries, in base64."""

    grant: Envelope
    envelopes: SealedEnvelopes


class ReleaseForm(Strict):
    """The signed access request."""

    request: Envelope


class AttestedAnswer(Strict):
    """A statement and its receipt (C2SP tlog-proof)."""

    envelope: str
    receipt: str

    @classmethod
    def of(cls, attested: Attested) -> AttestedAnswer:
        """From the use case's bytes."""
        return cls(envelope=attested.envelope.decode(), receipt=attested.receipt.decode())


class ChallengeAnswer(Strict):
    """What a login statement must be bound to. ``nonce``: 32 bytes in base64."""

    origin: str
    nonce: str
    expires_at: str


class LoginAnswer(Strict):
    """Who is logged in now; ``certificate`` is null for a registrar's key."""

    person: str | None
    organisation: str | None
    roles: tuple[str, ...]
    certificate: str | None
    receipt: str


class AcceptedAnswer(Strict):
    """The statement's identity and the receipt of the event that records it."""

    digest: str
    receipt: str


class ContactForm(Strict):
    """One's own address for notices; null takes it back. ``language``: ``fr`` or ``en``."""

    address: Annotated[str, StringConstraints(max_length=254)] | None
    language: Literal["fr", "en"]


class ContactAnswer(Strict):
    """The address kept, or null."""

    address: str | None


class ReceiptsAnswer(Strict):
    """Receipts (C2SP tlog-proofs), oldest first."""

    receipts: tuple[str, ...]


class StatementAnswer(AcceptedAnswer):
    """``destruction``: the broker's statement, where a withdrawal or closing ended keys."""

    destruction: AttestedAnswer | None


class StatementsAnswer(Strict):
    """Statements with their receipts, and the receipt of this reading."""

    statements: tuple[AttestedAnswer, ...]
    receipt: str | None


class SittingAnswer(StatementsAnswer):
    """Also what the agenda in force lists for this caller; null before there is one."""

    agenda: AgendaShown | None


class SittingsAnswer(Strict):
    """The latest version of each sitting."""

    sittings: tuple[AttestedAnswer, ...]


class TrustContent(Strict):
    """``trust.json``."""

    commission: str
    root_keys: tuple[str, ...]
    threshold: int


class TrustAnswer(Strict):
    """What a client compares with the file that it pinned, every trust policy, emergency
    and recovery so far.
    """

    trust: TrustContent
    policies: tuple[AttestedAnswer, ...]
    emergencies: tuple[AttestedAnswer, ...]
    recoveries: tuple[AttestedAnswer, ...]


class StatusAnswer(Strict):
    """The broker's signed status over the nonce asked for."""

    status: str


class DepositAnswer(Strict):
    """The new deposit, its release key, and the length of each part but the last."""

    deposit: str
    release_key: AttestedAnswer
    part_bytes: int


class ReceiptAnswer(Strict):
    """The receipt of the event that records this act."""

    receipt: str


class ReleaseItem(Strict):
    """One released deposit. ``header``: base64 of the age file to the request's reply key."""

    deposit: str
    manifest: AttestedAnswer
    grant: AttestedAnswer | None
    header: str
    receipt: str


class RefusalItem(Strict):
    """One refused deposit, why, and the receipt of the refusal."""

    deposit: str
    reason: str
    message: str
    receipt: str | None


class ReleasesAnswer(Strict):
    """One answer for each deposit of the request, in its order."""

    releases: tuple[ReleaseItem, ...]
    refusals: tuple[RefusalItem, ...]


class BrokerRecordAnswer(Strict):
    """The broker's own record and its signed checkpoint."""

    entries: str
    checkpoint: str


class ErasableAnswer(Strict):
    """Ranges of log entries, both ends included; and how many more wait for an attestation."""

    ranges: tuple[IndexRange, ...]
    unattested: int


class HealthAnswer(Strict):
    """``ok``, or which part cannot answer."""

    status: str
    checks: dict[str, str]


class ReadyAnswer(HealthAnswer):
    """Also where the broker runs (``broker_wire.Custody``)."""

    broker: str


def base64_text(data: bytes) -> str:
    """Bytes as the API writes them."""
    return encode_base64(data)
