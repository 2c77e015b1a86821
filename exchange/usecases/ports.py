"""What the use cases need from the world, stated as promises. ``storage`` and ``broker`` keep them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from audit.ports import NewEntry
from crypto.digests import Digest
from crypto.statements import Statement
from crypto.statements.agenda import AgendaOpening, OpenedItem
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.ledger import Accepted, Lookup, StatementIndex
from exchange.usecases.request_ports import Challenges, Idempotency, Rates

S = TypeVar("S", bound=Statement)

Clock = Callable[[], datetime]
"""The current time, in UTC."""


# --- objects ---------------------------------------------------------------------------------


class ObjectStore(Protocol):
    """Opaque ciphertexts under random names. A put never overwrites; names never leave the server."""

    def begin(self) -> str:
        """A new upload id. Nothing is readable before ``commit``."""

    def put_part(self, upload: str, number: int, data: bytes, sha256: Digest) -> None:
        """Keep one part (numbers from 1). Durable when it returns. The same part again is fine;
        another content under the same number, or a wrong digest, raises ObjectConflictError.
        """

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        """(number, length, digest) of the parts kept so far."""

    def name_of(self, upload: str, length: int, sha256: Digest) -> str:
        """The name under which ``commit`` keeps that content of that upload."""

    def commit(self, upload: str, length: int, sha256: Digest) -> str:
        """Join the parts, check length and digest, and return the object's name (``name_of``).
        Atomic and idempotent: a second commit of the same upload returns the same name.
        """

    def read(self, name: str, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Stream a range in pieces of at most 1 MiB; raises ObjectMissingError."""

    def size(self, name: str) -> int:
        """The object's length; raises ObjectMissingError."""

    def delete(self, name: str) -> None:
        """Idempotent."""

    def abort(self, upload: str) -> None:
        """Forget an upload and its parts. Idempotent."""

    def names(self) -> Iterator[str]:
        """All committed objects."""

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        """Unfinished uploads and when they began."""


# --- the database, as one unit of work --------------------------------------------------------


@dataclass(frozen=True)
class DepositRecord:
    """One deposit as the server keeps it. ``state`` is of ``domain.deposit_lifecycle``."""

    deposit: str
    sitting: str
    organisation: str
    certificate: Digest
    """The depositor's."""
    state: str
    upload: str
    object_name: str | None
    """From the first attempt to commit on; the object itself comes a little later, or never."""
    manifest: Digest | None
    length: int | None
    begun_at: datetime


@dataclass(frozen=True)
class ReleaseRecord:
    """One authorised release: what a retry must get again, and what payload reads hang on."""

    request: Digest
    deposit: str
    certificate: Digest
    ticket: int
    answer: bytes | None
    """The broker's sealed header, once it answered."""
    payload_ticket: int | None
    """The one ``payload.read`` event of this release, once there is one."""


@dataclass(frozen=True)
class SignedStatement:
    """A recorded statement as it was signed, not read again; ``ticket`` is that of its event."""

    kind: type[Statement]
    envelope: bytes
    digest: Digest
    ticket: int


@dataclass(frozen=True)
class NewStatement:
    """A statement to keep with the ticket and the time of the event that records it."""

    statement: Statement
    digest: Digest
    envelope: bytes
    ticket: int
    at: datetime


class Statements(StatementIndex, Protocol):
    """Accepted statements; adding one cites the event that records it."""

    def foresee(self, lookups: Sequence[Lookup]) -> None:
        """Look all of that up at once, for ``get`` and ``find`` in this transaction. Changes no
        answer, only the number of questions that the database is asked.
        """

    def add(
        self, statement: Statement, digest: Digest, envelope: bytes, ticket: int, at: datetime
    ) -> None:
        """Keep it, findable by ``ledger.references``; the same digest again is refused. The broker is
        shown it, unless it is one of ``record.NOT_FOR_THE_BROKER``.
        """

    def add_all(self, new: Sequence[NewStatement]) -> None:
        """The same for several, all different."""

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        """Keep the openings of an agenda just added."""

    def erase_openings(self, agenda: Digest, commitments: Collection[bytes]) -> None:
        """Forget what these items of an agenda listed: the commitments then say nothing to anybody.
        Idempotent.
        """

    def envelope(self, digest: Digest) -> bytes | None:
        """The bytes as signed."""

    def envelopes(self, digests: Collection[Digest]) -> Mapping[Digest, bytes]:
        """The bytes as signed, of those that are recorded."""

    def signed(self, *kinds: type[Statement]) -> Sequence[SignedStatement]:
        """All statements of these types as they were signed, oldest first."""

    def recorded_between(self, first: int, last: int) -> Sequence[tuple[int, Accepted[Statement]]]:
        """(index of the recording event, statement) for the entries ``first`` to ``last``, both
        included, in their order.
        """

    def undisclosed(self) -> Sequence[Accepted[Statement]]:
        """Those whose event has no details any more, in this transaction."""

    def erase(self, digest: Digest) -> None:
        """Forget a statement and how it is found. Idempotent."""

    def unacknowledged(self) -> Sequence[Accepted[Statement]]:
        """Those that the broker has not acknowledged yet, in order of acceptance."""

    def acknowledged(self, digest: Digest) -> None:
        """The broker has it."""

    def forget_acknowledgements(self) -> None:
        """Another broker takes over: it has none of them yet. What no broker is shown stays so."""


class Deposits(Protocol):
    """Deposits and the envelopes that wait for the broker."""

    def add(self, record: DepositRecord) -> None: ...

    def get(self, deposit: str) -> DepositRecord | None: ...

    def move(self, deposit: str, *, expected: str, new: str) -> None:
        """Change the state if it still is ``expected``; raises ConcurrentChangeError."""

    def promise_object(self, deposit: str, name: str) -> None:
        """Name the object before it is made, so that a sweep leaves it alone while the deposit is
        under way. Raises ConcurrentChangeError when the deposit is committed.
        """

    def take_back_object(self, deposit: str, name: str) -> None:
        """Name it no more, if it still is the one promised and the deposit is not committed."""

    def set_committed(
        self, deposit: str, *, object_name: str, manifest: Digest, length: int
    ) -> None:
        """Name the manifest of the object promised; of another, raises ConcurrentChangeError."""

    def names_object(self, name: str, states: Iterable[str]) -> bool:
        """Whether a deposit in one of these states names this object."""

    def of_sitting(self, sitting: str) -> Sequence[DepositRecord]: ...

    def in_state(self, state: str) -> Sequence[DepositRecord]: ...

    def add_envelope(self, deposit: str, sha256: Digest, envelope: bytes) -> None: ...

    def envelope(self, deposit: str, sha256: Digest) -> bytes | None: ...

    def envelopes(
        self, wanted: Collection[tuple[str, Digest]]
    ) -> Mapping[tuple[str, Digest], bytes]:
        """Those that are still there, by deposit and digest."""

    def drop_envelopes(self, deposit: str) -> None: ...


class Releases(Protocol):
    """Authorised releases, by request and deposit."""

    def add_all(self, records: Sequence[ReleaseRecord]) -> None:
        """One release a request and deposit; a second raises ConcurrentChangeError."""

    def get(self, request: Digest, deposit: str) -> ReleaseRecord | None: ...

    def latest(self, certificate: Digest, deposit: str) -> ReleaseRecord | None: ...

    def of_deposit(self, deposit: str) -> Sequence[ReleaseRecord]: ...

    def set_answers(self, answers: Mapping[tuple[Digest, str], bytes]) -> None:
        """Keep the broker's answers, by request and deposit, each once: a retry must get the same
        one. Another answer, or one to no release, raises ConcurrentChangeError.
        """

    def set_payload_ticket(self, request: Digest, deposit: str, ticket: int) -> None: ...
    def forget_between(self, first: int, last: int) -> None:
        """Forget the releases whose event is one of the entries ``first`` to ``last``, both included."""


class Events(Protocol):
    """Events that will be integrated into the log after this transaction commits."""

    def append(self, entry: NewEntry) -> int:
        """Keep an event; returns its ticket."""

    def append_all(self, entries: Sequence[NewEntry]) -> Sequence[int]:
        """The same for several: their tickets ascend in this order."""

    def is_disclosed(self, ticket: int) -> bool:
        """Whether the details of an event still exist."""

    def erase_disclosures(self, first: int, last: int) -> int:
        """Erase details and openings of the entries ``first`` to ``last`` (indices, both included);
        how many there were.
        """


@dataclass(frozen=True)
class Contact:
    """Where a person wants to be written to. ``language``: ``fr`` or ``en``."""

    person: str
    address: str
    language: str


class Contacts(Protocol):
    """Addresses that people gave for themselves."""

    def put(self, contact: Contact) -> None: ...

    def get(self, person: str) -> Contact | None: ...

    def all(self) -> Sequence[Contact]: ...

    def remove(self, person: str) -> None:
        """Idempotent."""


class Notices(Protocol):
    """What was sent, by ``Notice.key``: nothing else is kept of a message."""

    def is_due(self, key: str, now: datetime) -> bool:
        """Never tried, or to be tried again by now."""

    def attempts(self, key: str) -> int: ...

    def note(self, key: str, *, attempts: int, again_at: datetime | None, now: datetime) -> None:
        """Remember an attempt; ``again_at`` None: no other follows."""

    def drop_before(self, moment: datetime) -> None: ...


class UnitOfWork(Protocol):
    """One SQL transaction. Leaving the context without ``commit`` rolls back."""

    @property
    def statements(self) -> Statements: ...
    @property
    def deposits(self) -> Deposits: ...
    @property
    def releases(self) -> Releases: ...
    @property
    def challenges(self) -> Challenges: ...
    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def rates(self) -> Rates: ...
    @property
    def events(self) -> Events: ...
    @property
    def contacts(self) -> Contacts: ...
    @property
    def notices(self) -> Notices: ...

    def commit(self) -> None:
        """Make everything durable together."""


Transactions = Callable[[], AbstractContextManager[UnitOfWork]]
"""``with transactions() as work: …; work.commit()``. One writer at a time on SQLite."""


# --- the broker -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attested:
    """A statement's envelope with its receipt: a ``tlog-proof`` whose ``extra`` line holds the
    event's details and opening (``audit.receipts``).
    """

    envelope: bytes
    receipt: bytes


@dataclass(frozen=True)
class OpenRequest:
    """Everything that the broker must be shown to open one envelope."""

    access_request: bytes
    """The reader's signed envelope."""
    statements: tuple[Attested, ...]
    """Certificate, roster, sitting, agenda, manifest, grants, undertaking, declaration, …"""
    release: bytes
    """Receipt of the ``release.authorised`` event of this request and deposit."""
    deposit: str
    envelope: bytes
    """The sealed envelope to open."""
    item: AgendaOpening | None = None
    """What the agenda lists of this one dossier; the broker is shown no other."""


Opening = bytes | BrokerRefusalError | BrokerUnavailableError
"""What came of one OpenRequest: the header, as an age file to the request's reply key; the broker's
refusal; or that it went away before it said anything of this one."""


class Broker(Protocol):
    """Custody of release keys. Methods raise BrokerRefusalError (it said no, with a reason) or
    BrokerUnavailableError (it could not be reached, or is locked).
    """

    def make_release_key(self, deposit: str, sitting: Digest) -> bytes:
        """A ``release-key`` statement's envelope, for an acknowledged sitting. Idempotent a deposit."""

    def acknowledge(self, statement: Attested) -> None:
        """Take note of one accepted statement, in log order. Idempotent. Destroys nothing."""

    def acknowledge_policies(self, policies: Sequence[Attested]) -> None:
        """Take note of every trust policy, oldest first; those known already are skipped.

        A broker that takes another's place is named by the last alone, and must see them together.
        """

    def status(self, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
        """A ``status`` statement's envelope."""

    def open_all(self, requests: Sequence[OpenRequest]) -> Sequence[Opening]:
        """One outcome a request, in their order; a refusal of one is no other's. The same request
        gets the same answer. Raises BrokerUnavailableError only if it said nothing of any.
        """

    def destroy(self, because: Digest) -> bytes:
        """Destroy the keys that an acknowledged withdrawal or closing ends; the ``destruction``
        statement's envelope. Idempotent.
        """

    def destroy_expired(self) -> Sequence[bytes]:
        """Destroy the keys of sittings that nobody closed within a day of ``closes_at``; every
        ``destruction`` envelope of that cause so far. Idempotent.
        """

    def record(self) -> tuple[bytes, bytes]:
        """The broker's own record: (entries as JSON lines, signed checkpoint note)."""
