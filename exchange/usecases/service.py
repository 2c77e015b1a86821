"""What every use case of the server is given, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from audit.ports import LogStore
from crypto.digests import Digest
from crypto.keys import Entropy
from crypto.statements.registry import Role
from crypto.trust import Trust
from exchange.usecases.log_port import EventLog
from exchange.usecases.ports import Broker, Clock, ObjectStore, Transactions

PART_BYTES: Final = 8_388_608
"""8 MiB: one part is held in memory; a slow line sends it in a few minutes."""

MAX_CARD_BYTES: Final = 4_096
"""A sealed conflict card: two small files and the padding. Nothing else fits under its name."""

MAX_DEPOSIT_BYTES: Final = 268_435_456
"""256 MiB: 40 scans of 5 MB and the padding fit; a dossier usually takes 5 to 20 MB."""

MAX_OPEN_DEPOSITS: Final = 50
"""Unfinished deposits of one association in one sitting: twice the busiest one seen."""

UPLOAD_LIFETIME: Final = timedelta(days=2)
"""An upload that is not finished by then is swept; a slow line needs an hour."""

CHALLENGE_LIFETIME: Final = timedelta(minutes=5)
"""Long enough to unlock a key under a slow passphrase, and to touch a passkey."""

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far a signed ``issued_at`` may be from the server's clock: unsynchronised office PCs."""

RETENTION: Final = timedelta(days=366)
"""How long disclosures are kept at least: twelve months, the long end of what the CNIL advises."""

PURGE_DELAY: Final = timedelta(days=60)
"""From closing to purge: the two months in which the decision can be appealed (R421-1 CJA)."""

CEREMONY_LIFETIME: Final = timedelta(days=30)
"""Root statements are signed off line by several people in turn; they may be that old."""

MAX_REFUSALS: Final = 60
"""Refusals logged one by one in each minute; beyond it they are counted, so that nobody can fill the
log from outside."""

MAX_ANONYMOUS_WRITES: Final = 1_200
"""A minute and address, 20 a second: a whole préfecture may sit behind one address, and behind a proxy
everybody does. It caps what an anonymous flood costs; the proxy in front counts per client."""

KEY_LIFETIME: Final = timedelta(days=3)
"""How long an idempotency key is known: longer than an unfinished upload, whose retry may bear it."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one installation; the defaults are the documented ones."""

    part_bytes: int = PART_BYTES
    deposit_bytes: int = MAX_DEPOSIT_BYTES
    open_deposits: int = MAX_OPEN_DEPOSITS
    upload_lifetime: timedelta = UPLOAD_LIFETIME
    challenge_lifetime: timedelta = CHALLENGE_LIFETIME
    clock_tolerance: timedelta = CLOCK_TOLERANCE
    retention: timedelta = RETENTION
    purge_delay: timedelta = PURGE_DELAY
    refusals: int = MAX_REFUSALS
    anonymous_writes: int = MAX_ANONYMOUS_WRITES
    key_lifetime: timedelta = KEY_LIFETIME


@dataclass(frozen=True)
class Service:
    """The ports and constants of one server process."""

    transactions: Transactions
    """For units of work that may write: one at a time, on all workers and hosts."""
    readings: Transactions
    """For those that only read: one snapshot, beside any writer. Nothing that is decided there is acted on
    without being decided again where it is written."""
    unordered: Transactions
    """For those that write what no decision and no event hangs on: they wait for no other."""
    log: EventLog
    log_store: LogStore
    broker: Broker
    objects: ObjectStore
    clock: Clock
    entropy: Entropy
    trust: Trust
    origin: str
    """The log's origin: that of the trust policy, of logins and of manifests."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Caller:
    """Who is logged in: a person's certificate, or a registrar's key of the trust policy."""

    person: str | None = None
    certificate: Digest | None = None
    key: Digest | None = None
    roles: frozenset[Role] = frozenset()
    organisation: str | None = None

    @property
    def is_registrar(self) -> bool:
        """Logged in with a key of the trust policy."""
        return self.key is not None

    @property
    def signer(self) -> Digest | None:
        """How this caller's statements name their signer."""
        return self.certificate or self.key
