"""The broker inside the service's own process: ``usecases.ports.Broker`` over a directory.

Several worker processes may open the same directory; each operation holds its lock and first takes
in what the others did. The separate process serves this same class to one socket.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from audit.note import NoteVerifier
from crypto.digests import Digest
from crypto.errors import ExplainedError
from crypto.keys import Entropy, VerifyKey
from exchange.broker import custody
from exchange.broker.acknowledgement import acknowledge
from exchange.broker.cosigner_key import own_verifier
from exchange.broker.desk import Desk
from exchange.broker.errors import BrokerStoreError
from exchange.broker.keystore import KeyStore, StoreConfig
from exchange.broker.ledger import BrokerLedger
from exchange.broker.record import BrokerRecord, Recorded
from exchange.broker.release import open_envelopes
from exchange.broker.status import make_status
from exchange.broker.trust_chain import acknowledge_policies
from exchange.broker.witness import BrokerCosigner
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.broker_wire import Custody, cosigner_name
from exchange.usecases.errors import BrokerRefusalError, BrokerUnavailableError
from exchange.usecases.openings import OPENINGS_TOGETHER, open_in_turn
from exchange.usecases.ports import Attested, Clock, Opening, OpenRequest


@dataclass(frozen=True)
class Overview:
    """A broker's state in four figures, none of them about anybody."""

    live_keys: int
    log_size: int
    status_number: int
    trust_version: int


@dataclass(frozen=True)
class _Memory:
    """What this process has read of the store."""

    config: StoreConfig
    ledger: BrokerLedger
    record: BrokerRecord


class InProcessBroker:
    """Custody of release keys in a directory. Public methods are those of the port, and
    ``cosigner``, ``open_together``, ``destroy_expired``, ``statement_key`` and ``cosigner_key``.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        entropy: Entropy,
        custody: Custody = Custody.IN_PROCESS,
    ) -> None:
        self._store = KeyStore(directory)
        self._custody = custody
        self._clock = clock
        self._entropy = entropy
        self._memory: _Memory | None = None
        config = self._store.config()
        self.cosigner = BrokerCosigner(cosigner_name(config.origin), self._entered, self._glance)
        """``audit.ports.Cosigner``: the broker as a witness of the log."""

    def is_locked(self) -> bool:
        """Whether the store is encrypted and its passphrase was not given to this process yet."""
        return self._store.is_locked()

    def unlock(self, passphrase: str) -> None:
        """Open an encrypted store for this process; raises BrokerLockedError."""
        self._store.unlock(passphrase, self._entropy)

    def overview(self) -> Overview:
        """What an operator may see; raises BrokerUnavailableError while locked."""
        with self._entered() as desk:
            state = desk.state
            return Overview(
                live_keys=len(desk.store.live_deposits()),
                log_size=state.head.size if state.head else 0,
                status_number=state.status_number,
                trust_version=state.trust_version,
            )

    def statement_key(self) -> VerifyKey:
        """The public key of the broker's statements, for the trust policy."""
        return self._store.statement_key()

    def cosigner_key(self) -> NoteVerifier:
        """The public key of the broker's cosigner, for the witness policy."""
        return own_verifier(self._store, self._store.config().origin)

    def make_release_key(self, deposit: str, sitting: Digest) -> bytes:
        with self._entered() as desk:
            return custody.make_release_key(desk, deposit, sitting)

    def acknowledge(self, statement: Attested) -> None:
        with self._entered() as desk:
            acknowledge(desk, statement)

    def acknowledge_policies(self, policies: Sequence[Attested]) -> None:
        with self._entered() as desk:
            acknowledge_policies(desk, policies)

    def status(self, nonce: bytes, sitting: str | None, includes: Sequence[Digest]) -> bytes:
        with self._entered() as desk:
            return make_status(desk, nonce, sitting, includes)

    def open_all(self, requests: Sequence[OpenRequest]) -> Sequence[Opening]:
        starts = range(0, len(requests), OPENINGS_TOGETHER)
        operations = [requests[at : at + OPENINGS_TOGETHER] for at in starts]
        return open_in_turn(operations, self.open_together)

    def open_together(self, requests: Sequence[OpenRequest]) -> list[bytes | BrokerRefusalError]:
        """At most OPENINGS_TOGETHER in one operation; raises BrokerUnavailableError."""
        with self._entered() as desk:
            return open_envelopes(desk, requests)

    def destroy(self, because: Digest) -> bytes:
        with self._entered() as desk:
            return custody.destroy(desk, because)

    def destroy_expired(self) -> tuple[bytes, ...]:
        """Destroy what outlived its sitting by a day; every destruction of that cause so far."""
        with self._entered() as desk:
            return custody.destroy_expired(desk)

    def record(self) -> tuple[bytes, bytes]:
        with self._entered() as desk:
            return desk.record.export()

    def _glance(self) -> int | None:
        """The head's size without waiting for the lock, if this process has opened the store before."""
        if self._memory is None:
            return None
        try:
            head = self._store.glance_at_state().head
        except BrokerStoreError:
            return None
        return head.size if head else 0

    @contextmanager
    def _entered(self) -> Iterator[Desk]:
        """The lock, and the store as it is now; raises BrokerUnavailableError."""
        try:
            with self._store.lock():
                desk = self._desk()
                try:
                    yield desk
                except ExplainedError as error:
                    if isinstance(error, BrokerStoreError):
                        self._memory = None
                    raise
                except BaseException:
                    # Memory and files may differ now: read everything again next time.
                    self._memory = None
                    raise
        except BrokerStoreError as error:
            raise BrokerUnavailableError(error.message, **error.params) from error

    def _desk(self) -> Desk:
        memory = self._memory or self._loaded()
        self._memory = None  # until reading has succeeded: a half-read file must not be believed
        memory.ledger.refresh()
        memory.record.refresh(self._store.statement_seed)
        self._memory = memory
        desk = Desk(
            store=self._store,
            config=memory.config,
            ledger=memory.ledger,
            record=memory.record,
            state=self._store.state(),
            entropy=self._entropy,
            now=self._clock(),
        )
        self._require_whole(desk)
        _note_custody(desk, self._custody)
        return desk

    def _loaded(self) -> _Memory:
        config = self._store.config()
        directory = self._store.directory
        self._store.recover(self._entropy)
        ledger = BrokerLedger(directory, config.trust)
        record = BrokerRecord(directory, config.origin)
        record.refresh(self._store.statement_seed)
        custody.destroy_orphans(self._store, record, self._entropy)
        return _Memory(config, ledger, record)

    def _require_whole(self, desk: Desk) -> None:
        """The statements must reach as far as the counters say: else an old copy was put back."""
        policy = desk.ledger.policy
        if (policy.policy.version if policy else 0) < desk.state.trust_version:
            raise BrokerStoreError(
                "Le fichier « statements.jsonl » du gardien des clés a été remis en arrière. "
                "Arrêtez le service et suivez la procédure de reprise."
            )


def _note_custody(desk: Desk, custody: Custody) -> None:
    """Put into the record how the broker runs, at its first start and at each change since.

    The auditor reads it there under the broker's signature; a server could claim anything.
    """
    if desk.record.custody != custody:
        desk.record.append(
            RecordKind.CUSTODY,
            desk.now.replace(microsecond=0),
            [Recorded({}, {"custody": custody})],
            desk.seed,
        )
