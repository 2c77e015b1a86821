"""A log on a real database, a real mark and a real witness, and the memory of an adversary.

What a process signed, cosigned, was told is kept, and was told is public, goes into shared memory the
moment it happens: no crash of that process, and no failing system call, can make it forgotten.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.entries import leaf_of, new_entry
from audit.errors import LogUnavailableError
from audit.events import EventDetails, EventType
from audit.log import AuditLog
from audit.merkle import EMPTY_ROOT, tree_root
from audit.note import Note, NoteSignature, NoteSigner
from audit.policy import LogPolicy, WitnessPolicy
from audit.receipts import disclosed_by, verify_receipt
from audit.tiles import TileHashes
from audit.verify import verify_log
from audit.witness import AddCheckpoint
from crypto.digests import sha256
from exchange.wiring.witness_store import WitnessStore
from storage.database import Database, FileHighWater, migrate, open_database
from tests.support.log_world import files_of, reader_of, signer

ORIGIN = "durable.example/log"
MEMORY_BYTES = 1_048_576
_HEADER = 8


class Memory:
    """Records in a shared mapping of a file: they outlive the process, and take no system call."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(MEMORY_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), MEMORY_BYTES)
        self._lock = threading.Lock()

    def add(self, kind: bytes, data: bytes) -> None:
        """Keep ``data`` under a kind of one letter."""
        record = kind + len(data).to_bytes(4, "big") + data
        with self._lock:
            end = _HEADER + int.from_bytes(self._map[:_HEADER], "big")
            self._map[end : end + len(record)] = record
            self._map[:_HEADER] = (end + len(record) - _HEADER).to_bytes(_HEADER, "big")

    def records(self, kind: bytes) -> Iterator[bytes]:
        """All that was kept under a kind."""
        end = _HEADER + int.from_bytes(self._map[:_HEADER], "big")
        at = _HEADER
        while at < end:
            length = int.from_bytes(self._map[at + 1 : at + 5], "big")
            if self._map[at : at + 1] == kind:
                yield self._map[at + 5 : at + 5 + length]
            at += 5 + length

    def close(self) -> None:
        self._map.close()


SIGNED, COSIGNED, KEPT, PUBLIC = b"s", b"c", b"k", b"p"
"""A head's text, a cosigned note, a committed leaf, a receipt."""


class _Signer:
    def __init__(self, key: NoteSigner, memory: Memory) -> None:
        self._key, self._memory = key, memory

    @property
    def name(self) -> str:
        return self._key.name

    def sign(self, text: bytes) -> Sequence[NoteSignature]:
        self._memory.add(SIGNED, text)
        return self._key.sign(text)


class _Witness:
    """The product's witness, without HTTP between."""

    def __init__(self, directory: Path, memory: Memory) -> None:
        self._store = WitnessStore(directory)
        self._memory = memory

    @property
    def name(self) -> str:
        return self._store.name

    def last_size(self) -> int:
        with _answering():
            note = self._store.last_cosigned(sha256(ORIGIN.encode()))
        return Checkpoint.of_note(note).size if note else 0

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        request = AddCheckpoint(old_size, tuple(proof), note).to_bytes()
        with _answering():
            line = self._store.add_checkpoint(request, datetime.now(UTC))
        self._memory.add(COSIGNED, Note.parse(note).text)
        return line


@contextmanager
def _answering() -> Iterator[None]:
    """A witness whose disk fails answers with an error, over HTTP as here."""
    try:
        yield
    except OSError as error:
        raise LogUnavailableError("Le témoin ne répond pas.") from error


@dataclass(frozen=True)
class OpenLog:
    """One process's view of the log."""

    database: Database
    log: AuditLog
    policy: LogPolicy
    memory: Memory

    def append(self, label: str) -> int:
        """One event: durable, ordered, signed, witnessed, published; its index."""
        entry = new_entry(
            EventDetails(
                type=EventType.LOGIN_REFUSED,
                at=datetime.now(UTC).replace(microsecond=0),
                cites={},
                facts={"reason": label},
            ),
            ORIGIN,
            os.urandom,
        )
        with self.database.transactions() as work:
            ticket = work.events.append(entry)
            work.commit()
        self.memory.add(KEPT, entry.leaf)
        self.log.integrate()
        receipt = self.log.receipt(ticket)
        self.memory.add(PUBLIC, receipt)
        return verify_receipt(receipt, self.policy).index


class DurableLog:
    """The directory of one log; ``url`` is another database's address than the one in it."""

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.directory = directory
        self.url = url or f"sqlite:///{directory}/database.sqlite"
        self._key = signer(ORIGIN)

    def create(self) -> None:
        """An empty log and its witness."""
        migrate(self.url)
        WitnessStore.create(
            self.directory / "witness", f"{ORIGIN}/broker", [self._key.verifier], os.urandom
        )

    @contextmanager
    def opened(self, memory: Memory) -> Iterator[OpenLog]:
        """What one process opens."""
        database = open_database(self.url)
        try:
            yield self._open(database, memory)
        finally:
            database.close()

    def _open(self, database: Database, memory: Memory) -> OpenLog:
        witness = _Witness(self.directory / "witness", memory)
        vkey = (self.directory / "witness" / "witness.vkey").read_text().strip()
        rules = WitnessPolicy.parse(f"witness broker {vkey}\nquorum broker\n")
        policy = LogPolicy(ORIGIN, (self._key.verifier,), rules)
        log = AuditLog(
            database.log_store,
            FileHighWater(self.directory / "high-water.note"),
            _Signer(self._key, memory),
            (witness,),
            lambda: policy,
            lambda: datetime.now(UTC),
        )
        return OpenLog(database, log, policy, memory)

    def check(self, memories: Iterable[Memory], also: Memory) -> int:
        """Append once more, then hold the whole log against what the adversary remembers; its size.

        Nothing that was acknowledged is missing or stands twice; all that was ever signed or
        cosigned is of one tree; the product's own verifier has no finding.
        """
        with self.opened(also) as log:
            log.append("after")
            size = Checkpoint.of_note(log.log.checkpoint() or b"").size
            leaves = [bytes(leaf) for leaf in log.database.log_store.leaves(0, size)]
            assert len(leaves) == size
            assert len(set(leaves)) == size, "an event stands twice in the log"
            place = {leaf: index for index, leaf in enumerate(leaves)}
            hashes = TileHashes(log.database.log_store.read_tile)
            seen: set[bytes] = set()
            for memory in (*memories, also):
                assert set(memory.records(KEPT)) <= set(place), "an acknowledged event is lost"
                for receipt in memory.records(PUBLIC):
                    self._check_receipt(log, receipt, leaves)
                seen |= {*memory.records(SIGNED), *memory.records(COSIGNED)}
            for text in seen:
                head = Checkpoint.parse(text)
                expected = tree_root(head.size, hashes) if head.size else EMPTY_ROOT
                assert head.root == expected, f"two histories were signed at {head.size} events"
            report = verify_log(reader_of(files_of(log.log)), log.policy)
            assert report.findings == ()
            return size

    @staticmethod
    def _check_receipt(log: OpenLog, receipt: bytes, leaves: Sequence[bytes]) -> None:
        disclosed = disclosed_by(receipt)
        leaf, _details = leaf_of(disclosed, ORIGIN)
        assert leaves[disclosed.index] == leaf, "a receipt names another place than the log"
        verify_receipt(receipt, log.policy)
