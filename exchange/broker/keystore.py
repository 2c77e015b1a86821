"""The broker's directory: its keys, its counters, its answers.

    store.json             what the broker pins: trust, log origin, the log key of the first hour
    lock, lock.turn        held during every operation, and while waiting for it, by every process of this host
    unlock.age             only if encrypted: the key of every *.key below, under a passphrase (``at_rest``)
    statement.key          signs release keys, statuses, destructions and the record
    cosigner.key           cosigns checkpoints; another key, so that neither use can stand in for the other
    wrapping-<n>.key       opens keys/*; replaced whenever a release key is destroyed
    keys/<deposit>.age     one release key, as an age file to the wrapping key
    answers/…              what was answered to a request, sealed to its reply key (``answers``)
    state.slots            status number and witness head (``slots``)
    statements.jsonl       acknowledged statements (``ledger``);  record.jsonl, record.slots (``record``)

Secrets are read when they are used and kept no longer than one operation, but for the unlocked key of
an encrypted store. What is remembered of other files is remembered with their bytes: they are read
again each time, and only what they mean is not worked out anew. Every method expects the lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import Field, ValidationError

from crypto.age.decrypt import decrypt_with
from crypto.age.encrypt import encrypt_to
from crypto.age.identities import recipient_of
from crypto.age.wrap import DEFAULT_LOG_N
from crypto.digests import Digest, sha256
from crypto.encoding import parse_opaque_id
from crypto.errors import CryptoError, MalformedError, NotForThisKeyError
from crypto.keys import Entropy, HybridIdentity, Recipient, ServiceSigningSeed, VerifyKey
from crypto.statements.fields import Bytes32, Count, Label, Text
from crypto.statements.model import Strict, load_strict_json
from crypto.trust import Trust
from exchange.broker.answers import Answers
from exchange.broker.at_rest import (
    UNLOCK_FILE,
    InClear,
    Locked,
    Seal,
    UnderKey,
    new_unlock_file,
    open_unlock_file,
)
from exchange.broker.errors import BrokerStoreError
from exchange.broker.files import (
    destroy_file,
    destroy_leftovers,
    make_directory,
    read_file,
    write_file,
)
from exchange.broker.slots import PAGE_BYTES, SlotFile
from exchange.broker.store_lock import StoreLock

MAX_STATE_BYTES: Final = 65_536
"""A note with 16 cosignatures is under 8 KiB."""

_STATE_SLOT_BYTES: Final = MAX_STATE_BYTES + PAGE_BYTES

_STATEMENT_KEY: Final = "statement.key"
_COSIGNER_KEY: Final = "cosigner.key"
_WRAPPING: Final = re.compile(r"wrapping-(\d{8})\.key")
_AGE: Final = ".age"

_OVERWRITTEN: Final = bytes(64)
"""In a key's file, which is text and random bytes, the trace of a destruction that a crash cut short."""

_Part = TypeVar("_Part", bound=Strict)


class StoreConfig(Strict):
    """``store.json``: written once, when the store is made."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    trust: Trust
    origin: Label
    log_keys: Annotated[tuple[Label, ...], Field(strict=False, min_length=1, max_length=16)]
    """Note keys of the log, believed until the first trust policy names them itself."""


class WitnessHead(Strict):
    """The last checkpoint that the broker cosigned."""

    size: Count
    root: Bytes32
    note: Text


class State(Strict):
    """``state.slots``: what may only grow."""

    status_number: Count = 0
    trust_version: Count = 0
    head: WitnessHead | None = None


class KeyStore:
    """The files of one broker."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = StoreLock(directory / "lock")
        self._unlocked: UnderKey | None = None
        self._keys = directory / "keys"
        self.answers = Answers(directory / "answers")
        self._state = SlotFile(directory / "state.slots", _STATE_SLOT_BYTES)
        self._last_state: tuple[bytes, State] | None = None
        self._public: dict[str, tuple[Digest, VerifyKey]] = {}

    def lock(self) -> AbstractContextManager[None]:
        """Exclude every other thread and process; raises BrokerBusyError after a while."""
        return self._lock.held()

    # --- created once ---------------------------------------------------------------------

    def create(
        self,
        config: StoreConfig,
        entropy: Entropy,
        passphrase: str | None = None,
        *,
        log_n: int = DEFAULT_LOG_N,
    ) -> None:
        """Make a new store in a directory that holds none; raises BrokerStoreError.

        With a ``passphrase`` it is encrypted at rest, and unlocked for this object.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.directory / "store.json").exists():
            raise BrokerStoreError(
                "Ce répertoire contient déjà les clés d'un gardien : elles ne sont jamais "
                "remplacées. Choisissez un répertoire vide."
            )
        make_directory(self._keys)
        self.answers.create()
        if passphrase is not None:
            unlock, self._unlocked = new_unlock_file(passphrase, entropy, log_n=log_n)
            write_file(self.directory / UNLOCK_FILE, unlock)
        self._write_secret(_STATEMENT_KEY, ServiceSigningSeed.generate(entropy).reveal())
        self._write_secret(_COSIGNER_KEY, ServiceSigningSeed.generate(entropy).reveal())
        self._write_secret(_wrapping_name(1), HybridIdentity.generate(entropy).reveal())
        self._state.create(_state_bytes(State()))
        # Last: a store without this file was never finished, and creating it anew loses nothing.
        write_file(self.directory / "store.json", config.model_dump_json(indent=2).encode())

    def config(self) -> StoreConfig:
        """What the broker pins; raises BrokerStoreError when this is no broker's store."""
        path = self.directory / "store.json"
        if not path.exists():
            raise BrokerStoreError(
                "Ce répertoire n'est pas celui d'un gardien des clés : créez-le par « dossier init »."
            )
        return _parse(StoreConfig, read_file(path))

    # --- encrypted at rest ----------------------------------------------------------------

    def is_locked(self) -> bool:
        """Whether the store is encrypted and this object has not been given its passphrase."""
        return self._unlocked is None and (self.directory / UNLOCK_FILE).exists()

    def unlock(self, passphrase: str, entropy: Entropy) -> None:
        """Open an encrypted store for this object; nothing happens to one in clear.

        Raises BrokerLockedError for a wrong passphrase.
        """
        path = self.directory / UNLOCK_FILE
        if path.exists():
            self._unlocked = open_unlock_file(read_file(path), passphrase, entropy)

    def _seal(self) -> Seal:
        if self._unlocked is not None:
            return self._unlocked
        return Locked() if self.is_locked() else InClear()

    def recover(self, entropy: Entropy) -> None:
        """Finish what a crash interrupted: half-written files, a rotation of the wrapping key."""
        for directory in (self.directory, self._keys):
            destroy_leftovers(directory)
        self.answers.recover()
        if len(self._wrapping_numbers()) > 1:
            self._finish_rotation(entropy)

    # --- service keys ---------------------------------------------------------------------

    def statement_seed(self) -> ServiceSigningSeed:
        """The key of the broker's statements and record."""
        return ServiceSigningSeed(self._read_secret(_STATEMENT_KEY))

    def statement_key(self) -> VerifyKey:
        """Its public half."""
        return self._public_half(_STATEMENT_KEY)

    def cosigner_seed(self) -> ServiceSigningSeed:
        """The key of the broker's cosignatures."""
        return ServiceSigningSeed(self._read_secret(_COSIGNER_KEY))

    def cosigner_key(self) -> VerifyKey:
        """Its public half."""
        return self._public_half(_COSIGNER_KEY)

    def _public_half(self, name: str) -> VerifyKey:
        # Under the hash of the file and not under its content: that may be the seed itself.
        data = read_file(self.directory / name)
        digest = sha256(data)
        known = self._public.get(name)
        if known is None or known[0] != digest:
            known = digest, ServiceSigningSeed(self._unsealed(name, data)).verify_key()
            self._public[name] = known
        return known[1]

    # --- release keys ---------------------------------------------------------------------

    def live_deposits(self) -> frozenset[str]:
        """Deposits whose release key exists."""
        return frozenset(path.stem for path in self._keys.glob(f"*{_AGE}"))

    def put_release_key(self, deposit: str, identity: HybridIdentity, entropy: Entropy) -> None:
        """Keep a new release key, wrapped; durable when it returns."""
        recipient = self._wrapping_recipient()
        write_file(self._key_path(deposit), encrypt_to(identity.reveal(), recipient, entropy))

    def release_key(self, deposit: str) -> HybridIdentity | None:
        """The release key of a deposit, None once destroyed."""
        path = self._key_path(deposit)
        return self._unwrap(read_file(path)) if path.exists() else None

    def destroy_release_keys(self, deposits: Iterable[str], entropy: Entropy) -> None:
        """Destroy these keys for good, copies of their files included.

        A copy of ``keys/`` taken earlier (a backup, a snapshot) still holds the destroyed keys,
        under the wrapping key of that time: so that key is replaced and destroyed too.
        """
        paths = [self._key_path(deposit) for deposit in deposits]
        if not any(path.exists() for path in paths):
            if len(self._wrapping_numbers()) > 1:  # another process was killed half-way
                self._finish_rotation(entropy)
            return
        # The new wrapping key comes first: its presence is what makes ``recover`` finish a
        # rotation that a crash cut short.
        number = self._wrapping_numbers()[-1] + 1
        self._write_secret(_wrapping_name(number), HybridIdentity.generate(entropy).reveal())
        for path in paths:
            destroy_file(path)
        self._finish_rotation(entropy)

    def _finish_rotation(self, entropy: Entropy) -> None:
        *old, _newest = self._wrapping_numbers()
        recipient = self._wrapping_recipient()
        for path in sorted(self._keys.glob(f"*{_AGE}")):
            data = read_file(path)
            if _OVERWRITTEN in data:
                destroy_file(path)
            else:
                write_file(path, encrypt_to(self._unwrap(data).reveal(), recipient, entropy))
        for number in old:
            destroy_file(self.directory / _wrapping_name(number))

    def _unwrap(self, data: bytes) -> HybridIdentity:
        for number in reversed(self._wrapping_numbers()):
            identity = HybridIdentity(self._read_secret(_wrapping_name(number)))
            try:
                return HybridIdentity(decrypt_with(data, identity))
            except NotForThisKeyError:
                continue
            except CryptoError as error:
                raise _damaged("keys") from error
        raise _damaged("keys")

    def _wrapping_recipient(self) -> Recipient:
        newest = self._wrapping_numbers()[-1]
        return recipient_of(HybridIdentity(self._read_secret(_wrapping_name(newest))))

    def _wrapping_numbers(self) -> list[int]:
        with os.scandir(self.directory) as entries:
            matches = [_WRAPPING.fullmatch(entry.name) for entry in entries]
        numbers = sorted(int(match[1]) for match in matches if match)
        if not numbers:
            raise _damaged("wrapping")
        return numbers

    def _key_path(self, deposit: str) -> Path:
        # The id becomes a file name: only the canonical form of 26 letters and digits may.
        return self._keys / f"{parse_opaque_id(deposit)}{_AGE}"

    # --- state ----------------------------------------------------------------------------

    def state(self) -> State:
        """Counters and head, as last saved."""
        data = self._state.read()
        if self._last_state is None or self._last_state[0] != data:
            self._last_state = data, _parse(State, data)
        return self._last_state[1]

    def glance_at_state(self) -> State:
        """The same without the lock: a state that was, a moment ago or just now.

        Raises BrokerStoreError, also when both slots were being written as they were read.
        """
        return _parse(State, self._state.read())

    def save_state(self, state: State) -> None:
        """Durable when it returns."""
        data = _state_bytes(state)
        self._state.write(data)
        self._last_state = data, state

    # --- secrets in files -----------------------------------------------------------------

    def _write_secret(self, name: str, secret: bytes) -> None:
        write_file(self.directory / name, self._seal().wrap(secret))

    def _read_secret(self, name: str) -> bytes:
        return self._unsealed(name, read_file(self.directory / name))

    def _unsealed(self, name: str, data: bytes) -> bytes:
        try:
            return self._seal().unwrap(data)
        except MalformedError as error:
            raise _damaged(name) from error


def _state_bytes(state: State) -> bytes:
    return state.model_dump_json(indent=2).encode()


def _parse(kind: type[_Part], data: bytes) -> _Part:
    try:
        return kind.model_validate(load_strict_json(data, limit=MAX_STATE_BYTES))
    except (ValidationError, MalformedError) as error:
        raise _damaged(kind.__name__) from error


def _wrapping_name(number: int) -> str:
    return f"wrapping-{number:08d}.key"


def _damaged(what: str) -> BrokerStoreError:
    return BrokerStoreError(
        "Le répertoire du gardien des clés est endommagé ({what}). N'y touchez pas : suivez la "
        "procédure de reprise du guide d'exploitation.",
        what=what,
    )
