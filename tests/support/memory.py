"""The use cases' ports in memory: one database with real rollback, one object store."""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from audit.events import EventDetails
from audit.ports import NewEntry
from crypto.digests import Digest, sha256
from crypto.encoding import new_opaque_id
from crypto.keys import Entropy
from crypto.statements import Statement
from crypto.statements.agenda import OpenedItem
from exchange.usecases.errors import (
    ConcurrentChangeError,
    ObjectConflictError,
    ObjectMissingError,
)
from exchange.usecases.ledger import Accepted, Lookup, MemoryLedger
from exchange.usecases.ports import Contact, DepositRecord, ReleaseRecord, SignedStatement
from exchange.usecases.record import NOT_FOR_THE_BROKER
from exchange.usecases.request_ports import Counted, Reservation
from storage.objects.names import object_name
from tests.support.memory_log import MemoryLogStore

PIECE_BYTES = 1_048_576


@dataclass
class _Rows:
    """Everything that one transaction changes; copied when it begins, put back when it fails."""

    envelopes: dict[Digest, bytes] = field(default_factory=dict)
    accepted: dict[Digest, Accepted[Statement]] = field(default_factory=dict)
    acknowledged: set[Digest] = field(default_factory=set)
    opened: dict[Digest, tuple[OpenedItem, ...]] = field(default_factory=dict)
    deposits: dict[str, DepositRecord] = field(default_factory=dict)
    sealed: dict[tuple[str, Digest], bytes] = field(default_factory=dict)
    releases: dict[tuple[Digest, str], ReleaseRecord] = field(default_factory=dict)
    challenges: dict[bytes, datetime] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[Reservation, datetime]] = field(default_factory=dict)
    rates: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    notices: dict[str, tuple[int, datetime | None, datetime]] = field(default_factory=dict)
    events: dict[int, NewEntry] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)

    def snapshot(self) -> _Rows:
        return _Rows(**{name: copy.copy(value) for name, value in vars(self).items()})


class MemoryDatabase:
    """``Transactions`` over dictionaries. One writer at a time; leaving without commit undoes all.

    ``before_commit`` raises to play a database that dies there.
    """

    def __init__(self, log_store: MemoryLogStore) -> None:
        self.log_store = log_store
        self.rows = _Rows()
        self.before_commit: Callable[[], None] = lambda: None
        self._ticket = 0
        self._lock = threading.Lock()

    @contextmanager
    def transactions(self) -> Iterator[MemoryUnitOfWork]:
        if not self._lock.acquire(timeout=1):
            raise AssertionError("a transaction was begun inside another one")
        work = MemoryUnitOfWork(self, self.rows.snapshot())
        try:
            yield work
        finally:
            self._lock.release()

    def next_ticket(self) -> int:
        self._ticket += 1
        return self._ticket

    def store(self, rows: _Rows) -> None:
        self.before_commit()
        self.log_store.rows.entries.update(rows.events)
        self.log_store.rows.erased |= rows.erased
        self.rows = replace(rows, events={}, erased=set())

    def dump(self) -> Any:
        """All that lasts, to compare before and after (envelope bytes, states, events)."""
        return copy.deepcopy((vars(self.rows), sorted(self.log_store.rows.entries)))


class MemoryUnitOfWork:
    """A ``UnitOfWork``."""

    def __init__(self, database: MemoryDatabase, rows: _Rows) -> None:
        self._database = database
        self._rows = rows
        self.statements = _Statements(database, rows)
        self.deposits = _Deposits(rows)
        self.releases = _Releases(database, rows)
        self.challenges = _Challenges(rows)
        self.idempotency = _Idempotency(rows)
        self.rates = _Rates(rows)
        self.events = _Events(database, rows)
        self.contacts = _Contacts(rows)
        self.notices = _Notices(rows)

    def commit(self) -> None:
        self._database.store(self._rows)


class _Events:
    def __init__(self, database: MemoryDatabase, rows: _Rows) -> None:
        self._database = database
        self._rows = rows

    def append(self, entry: NewEntry) -> int:
        ticket = self._database.next_ticket()
        self._rows.events[ticket] = entry
        return ticket

    def is_disclosed(self, ticket: int) -> bool:
        if ticket in self._rows.events:
            return True
        log = self._database.log_store
        index = log.index_of(ticket)
        return index is None or (
            index not in self._rows.erased and log.disclosure(index) is not None
        )

    def erase_disclosures(self, first: int, last: int) -> int:
        log = self._database.log_store
        found = [each.index for each in log.disclosures(first, last - first + 1)]
        self._rows.erased |= set(found)
        return len(found)


class _Statements:
    def __init__(self, database: MemoryDatabase, rows: _Rows) -> None:
        self._database = database
        self._rows = rows

    def add(
        self, statement: Statement, digest: Digest, envelope: bytes, ticket: int, at: datetime
    ) -> None:
        if digest in self._rows.accepted:
            raise ConcurrentChangeError("Cette déclaration est déjà enregistrée.")
        entry = self._rows.events[ticket]  # a statement is kept only with its event
        assert EventDetails.parse(entry.details).at == at
        self._rows.accepted[digest] = Accepted(statement, digest, ticket, at)
        self._rows.envelopes[digest] = envelope
        if isinstance(statement, NOT_FOR_THE_BROKER):
            self._rows.acknowledged.add(digest)

    def open_items(self, agenda: Digest, items: Iterable[OpenedItem]) -> None:
        self._rows.opened[agenda] = tuple(items)

    def opened(self, agenda: Digest) -> Sequence[OpenedItem]:
        return self._rows.opened.get(agenda, ())

    def erase_openings(self, agenda: Digest, commitments: Collection[bytes]) -> None:
        kept = [each for each in self.opened(agenda) if each.commitment not in commitments]
        self._rows.opened[agenda] = tuple(kept)

    def envelope(self, digest: Digest) -> bytes | None:
        return self._rows.envelopes.get(digest)

    def foresee(self, lookups: Sequence[Lookup]) -> None:
        """In memory nothing is far."""

    def envelopes(self, digests: Collection[Digest]) -> dict[Digest, bytes]:
        return {
            each: self._rows.envelopes[each] for each in digests if each in self._rows.envelopes
        }

    def signed(self, *kinds: type[Statement]) -> list[SignedStatement]:
        found = sorted(
            (each for kind in kinds for each in self.find(kind)), key=lambda one: one.order
        )
        return [
            SignedStatement(
                type(each.statement), self._rows.envelopes[each.digest], each.digest, each.order
            )
            for each in found
        ]

    def recorded_between(self, first: int, last: int) -> Sequence[tuple[int, Accepted[Statement]]]:
        log = self._database.log_store
        placed = [(log.index_of(each.order), each) for each in self._rows.accepted.values()]
        found = [(at, each) for at, each in placed if at is not None and first <= at <= last]
        return sorted(found, key=lambda pair: (pair[0], pair[1].digest))

    def undisclosed(self) -> Sequence[Accepted[Statement]]:
        events = _Events(self._database, self._rows)
        found = self._rows.accepted.values()
        return [each for each in found if not events.is_disclosed(each.order)]

    def erase(self, digest: Digest) -> None:
        self._rows.accepted.pop(digest, None)
        self._rows.envelopes.pop(digest, None)

    def get(self, digest: Digest) -> Accepted[Statement] | None:
        return self._rows.accepted.get(digest)

    def find(self, kind: Any, **wanted: str) -> Sequence[Accepted[Any]]:
        index = MemoryLedger()
        for accepted in self._rows.accepted.values():
            if isinstance(accepted.statement, kind):
                index.add(accepted)
        return index.find(kind, **wanted)

    def unacknowledged(self) -> Sequence[Accepted[Statement]]:
        waiting = [
            each
            for each in self._rows.accepted.values()
            if each.digest not in self._rows.acknowledged
        ]
        return sorted(waiting, key=lambda each: each.order)

    def acknowledged(self, digest: Digest) -> None:
        assert digest in self._rows.accepted
        self._rows.acknowledged.add(digest)

    def forget_acknowledgements(self) -> None:
        for each in self._rows.accepted.values():
            if not isinstance(each.statement, NOT_FOR_THE_BROKER):
                self._rows.acknowledged.discard(each.digest)


class _Deposits:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def add(self, record: DepositRecord) -> None:
        assert record.deposit not in self._rows.deposits
        self._rows.deposits[record.deposit] = record

    def get(self, deposit: str) -> DepositRecord | None:
        return self._rows.deposits.get(deposit)

    def move(self, deposit: str, *, expected: str, new: str) -> None:
        record = self._rows.deposits[deposit]
        if record.state != expected:
            raise ConcurrentChangeError("Ce dépôt a changé d'état entre-temps.")
        self._rows.deposits[deposit] = replace(record, state=new)

    def promise_object(self, deposit: str, name: str) -> None:
        record = self._rows.deposits[deposit]
        if record.manifest is not None:
            raise ConcurrentChangeError("Ce dépôt a déjà été enregistré avec un autre contenu.")
        self._rows.deposits[deposit] = replace(record, object_name=name)

    def take_back_object(self, deposit: str, name: str) -> None:
        record = self._rows.deposits[deposit]
        if record.manifest is None and record.object_name == name:
            self._rows.deposits[deposit] = replace(record, object_name=None)

    def names_object(self, name: str, states: Iterable[str]) -> bool:
        return any(
            each.object_name == name and each.state in states
            for each in self._rows.deposits.values()
        )

    def set_committed(
        self, deposit: str, *, object_name: str, manifest: Digest, length: int
    ) -> None:
        record = self._rows.deposits[deposit]
        if record.object_name != object_name or record.manifest not in {None, manifest}:
            raise ConcurrentChangeError("Ce dépôt a déjà été enregistré avec un autre contenu.")
        self._rows.deposits[deposit] = replace(record, manifest=manifest, length=length)

    def of_sitting(self, sitting: str) -> Sequence[DepositRecord]:
        return [each for each in self._rows.deposits.values() if each.sitting == sitting]

    def in_state(self, state: str) -> Sequence[DepositRecord]:
        return [each for each in self._rows.deposits.values() if each.state == state]

    def add_envelope(self, deposit: str, sha256: Digest, envelope: bytes) -> None:
        self._rows.sealed[deposit, sha256] = envelope

    def envelope(self, deposit: str, sha256: Digest) -> bytes | None:
        return self._rows.sealed.get((deposit, sha256))

    def drop_envelopes(self, deposit: str) -> None:
        for key in [key for key in self._rows.sealed if key[0] == deposit]:
            del self._rows.sealed[key]


class _Releases:
    def __init__(self, database: MemoryDatabase, rows: _Rows) -> None:
        self._database = database
        self._rows = rows

    def forget_between(self, first: int, last: int) -> None:
        log = self._database.log_store
        for key, each in list(self._rows.releases.items()):
            index = log.index_of(each.ticket)
            if index is not None and first <= index <= last:
                del self._rows.releases[key]

    def add(self, record: ReleaseRecord) -> None:
        assert (record.request, record.deposit) not in self._rows.releases
        self._rows.releases[record.request, record.deposit] = record

    def get(self, request: Digest, deposit: str) -> ReleaseRecord | None:
        return self._rows.releases.get((request, deposit))

    def latest(self, certificate: Digest, deposit: str) -> ReleaseRecord | None:
        found = [
            each
            for each in self._rows.releases.values()
            if each.certificate == certificate and each.deposit == deposit
        ]
        return max(found, key=lambda each: each.ticket, default=None)

    def of_deposit(self, deposit: str) -> list[ReleaseRecord]:
        found = [each for each in self._rows.releases.values() if each.deposit == deposit]
        return sorted(found, key=lambda each: each.ticket)

    def set_answer(self, request: Digest, deposit: str, answer: bytes) -> None:
        self._change(request, deposit, answer=answer)

    def set_payload_ticket(self, request: Digest, deposit: str, ticket: int) -> None:
        self._change(request, deposit, payload_ticket=ticket)

    def _change(self, request: Digest, deposit: str, **changes: Any) -> None:
        record = self._rows.releases[request, deposit]
        self._rows.releases[request, deposit] = replace(record, **changes)


class _Challenges:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def add(self, nonce: bytes, expires_at: datetime) -> None:
        self._rows.challenges[nonce] = expires_at

    def take(self, nonce: bytes) -> datetime | None:
        return self._rows.challenges.pop(nonce, None)

    def drop_expired(self, now: datetime) -> None:
        for nonce in [n for n, until in self._rows.challenges.items() if until <= now]:
            del self._rows.challenges[nonce]


class _Contacts:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def put(self, contact: Contact) -> None:
        self._rows.contacts[contact.person] = contact

    def get(self, person: str) -> Contact | None:
        return self._rows.contacts.get(person)

    def all(self) -> list[Contact]:
        return list(self._rows.contacts.values())

    def remove(self, person: str) -> None:
        self._rows.contacts.pop(person, None)


class _Notices:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def is_due(self, key: str, now: datetime) -> bool:
        known = self._rows.notices.get(key)
        return known is None or (known[1] is not None and known[1] <= now)

    def attempts(self, key: str) -> int:
        return self._rows.notices.get(key, (0, None, None))[0]

    def note(self, key: str, *, attempts: int, again_at: datetime | None, now: datetime) -> None:
        self._rows.notices[key] = (attempts, again_at, now)

    def drop_before(self, moment: datetime) -> None:
        for key in [key for key, (_, _, at) in self._rows.notices.items() if at < moment]:
            del self._rows.notices[key]


class _Idempotency:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def reserve(self, owner: str, key: str, wanted: Reservation, now: datetime) -> Reservation:
        return self._rows.keys.setdefault((owner, key), (wanted, now))[0]

    def drop_before(self, moment: datetime) -> None:
        kept = {name: held for name, held in self._rows.keys.items() if held[1] >= moment}
        self._rows.keys = kept


class _Rates:
    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def add(self, scope: str, who: str, window: int) -> Counted:
        number, count = self._rows.rates.get((scope, who), (window, 0))
        now = count + 1 if number == window else 1
        self._rows.rates[scope, who] = window, now
        return Counted(now, 0 if number == window else count)

    def seen(self, scope: str, who: str, window: int) -> int:
        number, count = self._rows.rates.get((scope, who), (window, 0))
        return count if number == window else 0

    def drop_before(self, window: int) -> None:
        kept = {name: held for name, held in self._rows.rates.items() if held[0] >= window}
        self._rows.rates = kept


class MemoryObjects:
    """An ``ObjectStore``."""

    def __init__(self, clock: Callable[[], datetime], entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self.kept: dict[str, bytes] = {}
        self._begun: dict[str, datetime] = {}
        self._parts: defaultdict[str, dict[int, bytes]] = defaultdict(dict)

    def begin(self) -> str:
        upload = new_opaque_id(self._entropy)
        self._begun[upload] = self._clock()
        return upload

    def put_part(self, upload: str, number: int, data: bytes, digest: Digest) -> None:
        known = self._parts[upload].get(number)
        if sha256(data) != digest or known not in {None, data}:
            raise ObjectConflictError("Cette partie n'est pas celle qui est annoncée.")
        self._parts[upload][number] = data

    def parts(self, upload: str) -> Sequence[tuple[int, int, Digest]]:
        kept = sorted(self._parts[upload].items())
        return [(number, len(data), sha256(data)) for number, data in kept]

    def name_of(self, upload: str, length: int, digest: Digest) -> str:
        return object_name(upload, length, digest)

    def commit(self, upload: str, length: int, digest: Digest) -> str:
        name = self.name_of(upload, length, digest)
        if name in self.kept:
            return name
        whole = b"".join(data for _, data in sorted(self._parts[upload].items()))
        if len(whole) != length or sha256(whole) != digest:
            raise ObjectConflictError("Le contenu reçu n'est pas celui qui est annoncé.")
        self.kept[name] = whole
        self.abort(upload)
        return name

    def read(self, name: str, first: int = 0, length: int | None = None) -> Iterator[bytes]:
        if name not in self.kept:
            raise ObjectMissingError("Aucun objet de ce nom.")
        data = self.kept[name][first : None if length is None else first + length]
        return (data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES))

    def size(self, name: str) -> int:
        if name not in self.kept:
            raise ObjectMissingError("Aucun objet de ce nom.")
        return len(self.kept[name])

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    def abort(self, upload: str) -> None:
        self._begun.pop(upload, None)
        self._parts.pop(upload, None)

    def names(self) -> Iterator[str]:
        return iter(list(self.kept))

    def uploads(self) -> Iterator[tuple[str, datetime]]:
        return iter(list(self._begun.items()))
