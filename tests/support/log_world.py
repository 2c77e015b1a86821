"""A small world around one log: its keys, its witnesses, events, and its export to files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.entries import new_entry
from audit.errors import LogUnavailableError
from audit.events import EventDetails, EventType
from audit.log import AuditLog
from audit.note import KeyType, NoteSigner, NoteVerifier
from audit.policy import LogPolicy, WitnessPolicy
from audit.tiles import TILE_WIDTH, bundles_of, tiles_of
from audit.witness import WitnessState, cosign
from crypto.keys import ServiceSigningSeed
from tests.support.memory_log import Fault, MemoryHighWater, MemoryLogStore, no_fault

ORIGIN = "dossiers.example/log"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class CountedEntropy:
    """Bytes that are different each time and the same in each run."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, count: int) -> bytes:
        self._calls += 1
        return hashlib.shake_256(self._calls.to_bytes(8, "big")).digest(count)


class TestClock:
    """A clock that tests turn."""

    __test__ = False

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


def signer(name: str, kind: KeyType = KeyType.ED25519, seed: int = 1) -> NoteSigner:
    """A note key made from a small number."""
    return NoteSigner(name, ServiceSigningSeed(hashlib.sha256(bytes([seed])).digest()), kind)


class MemoryWitness:
    """A witness that follows the specification, and can be switched off."""

    def __init__(self, key: NoteSigner, log_keys: Sequence[NoteVerifier], clock: TestClock) -> None:
        self.key = key
        self.state: WitnessState | None = None
        self.up = True
        self.believed: int | None = None
        self.seen: list[Checkpoint] = []
        self._log_keys = tuple(log_keys)
        self._clock = clock

    @property
    def name(self) -> str:
        return self.key.name

    def last_size(self) -> int:
        if self.believed is not None:
            return self.believed
        return self.state.size if self.state else 0

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        if not self.up:
            raise LogUnavailableError("Le témoin ne répond pas.")
        line, self.state = cosign(
            old_size, proof, note, self._log_keys, self.state, self.key, self._clock()
        )
        self.seen.append(Checkpoint.of_note(note))
        return line


class RecordingSigner:
    """Signs like the log, and remembers every head that it ever signed: the adversary's memory."""

    def __init__(self, key: NoteSigner) -> None:
        self._key = key
        self.signed: list[Checkpoint] = []

    @property
    def name(self) -> str:
        return self._key.name

    def sign(self, text: bytes):
        self.signed.append(Checkpoint.parse(text))
        return self._key.sign(text)


class LogWorld:
    """Log, broker and two independent witnesses; by default any one of the two is enough."""

    def __init__(self, fault: Fault = no_fault, policy_text: str | None = None) -> None:
        self.clock = TestClock()
        self.entropy = CountedEntropy()
        self.log_key = signer(ORIGIN)
        keys = [self.log_key.verifier]
        names = ("broker", "prefecture", "academie")
        self.witnesses = {
            name: MemoryWitness(
                signer(f"{ORIGIN}/{name}", KeyType.COSIGNATURE_V1, seed), keys, self.clock
            )
            for seed, name in enumerate(names, start=2)
        }
        self.policy = LogPolicy(
            ORIGIN, tuple(keys), WitnessPolicy.parse(policy_text or self.policy_text())
        )
        self.policy_in_force: LogPolicy | None = self.policy
        self.recorder = RecordingSigner(self.log_key)
        self.store = MemoryLogStore(fault)
        self.high_water = MemoryHighWater(fault)
        self.log = self.open()

    def policy_text(self) -> str:
        lines = [f"witness {name} {each.key.verifier}" for name, each in self.witnesses.items()]
        rest = ["group beside any prefecture academie", "group all-of all broker beside"]
        return "\n".join([*lines, *rest, "quorum all-of", ""])

    def open(self, store: MemoryLogStore | None = None) -> AuditLog:
        """A process that starts on the store."""
        return AuditLog(
            store or self.store,
            self.high_water,
            self.recorder,
            tuple(self.witnesses.values()),
            lambda: self.policy_in_force,
            self.clock,
        )

    def add(self, count: int = 1) -> list[int]:
        """Commit events; their tickets."""
        details = EventDetails(
            type=EventType.LOGIN_REFUSED, at=self.clock(), cites={}, facts={"reason": "unknown_key"}
        )
        return [self.store.append(new_entry(details, ORIGIN, self.entropy)) for _ in range(count)]

    def size(self) -> int:
        note = self.log.checkpoint()
        return Checkpoint.of_note(note).size if note else 0


def files_of(log: AuditLog) -> dict[str, bytes]:
    """The published log in the tlog-tiles layout: path to content."""
    note = log.checkpoint()
    assert note is not None
    size = Checkpoint.of_note(note).size
    files = {"checkpoint": note}
    for path in tiles_of(size):
        assert path.level is not None
        files[str(path)] = log.tile(path.level, path.number, _partial(path.width))
    for path in bundles_of(size):
        files[str(path)] = log.entries_tile(path.number, _partial(path.width))
    return files


def write_files(files: dict[str, bytes], directory: Path) -> None:
    """Lay the files out under ``directory``."""
    for name, data in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def reader_of(files: dict[str, bytes]) -> _Files:
    """A ``LogReader`` over files in memory."""
    return _Files(files)


class _Files:
    def __init__(self, files: dict[str, bytes]) -> None:
        self.read: Callable[[str], bytes | None] = files.get


def _partial(width: int) -> int | None:
    return None if width == TILE_WIDTH else width


def head_of(world: LogWorld) -> Checkpoint:
    note = world.log.checkpoint()
    assert note is not None
    return world.policy.verify_checkpoint(note).checkpoint
