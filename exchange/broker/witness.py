"""The broker as a C2SP witness of the log: it cosigns only what extends what it cosigned before.

Its head lies in the broker's store, outside the service's database and backups: a database that was
set back or forked gets no cosignature, and without the broker's no checkpoint counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import LogUnavailableError, WitnessProofError
from audit.note import NoteVerifier
from audit.witness import WitnessState, cosign
from crypto.digests import sha256
from exchange.broker.cosigner_key import cosigner_of
from exchange.broker.desk import Desk
from exchange.broker.files import make_directory, write_file
from exchange.broker.keystore import WitnessHead
from exchange.usecases.broker_record import RecordKind
from exchange.usecases.errors import BrokerUnavailableError

MAX_EVIDENCE_FILES: Final = 100
"""Enough to show a fork; a log that insists cannot fill the broker's disk."""

FORKED_LOG: Final = "forked-log"
"""The record's reason for a checkpoint that contradicts what was cosigned before."""


def add_checkpoint(desk: Desk, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The broker's signature line; raises a WitnessError."""
    known = desk.state.head
    last = WitnessState(known.size, known.root) if known else None
    signer = cosigner_of(desk.store, desk.config.origin)
    try:
        line, new = cosign(old_size, proof, note, _log_keys(desk), last, signer, desk.now)
    except WitnessProofError:
        _keep_evidence(desk, note)
        raise
    # Durable before the signature leaves: a broker that forgot what it cosigned could be made to
    # cosign a fork (tlog-witness: "MUST persist before responding").
    head = WitnessHead(size=new.size, root=new.root, note=note.decode())
    desk.save_state(head=head)
    return line


def head_of(desk: Desk) -> Checkpoint | None:
    """The last checkpoint that the broker cosigned."""
    head = desk.state.head
    return Checkpoint(desk.config.origin, head.size, head.root) if head else None


class BrokerCosigner:
    """``audit.ports.Cosigner`` over the broker's store."""

    def __init__(
        self,
        name: str,
        entered: Callable[[], AbstractContextManager[Desk]],
        glance: Callable[[], int | None],
    ) -> None:
        self._name = name
        self._entered = entered
        self._glance = glance

    @property
    def name(self) -> str:
        return self._name

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        with self._available() as desk:
            return add_checkpoint(desk, old_size, proof, note)

    def last_size(self) -> int:
        # It only says where a proof should begin: a wrong guess is refused, with the right size.
        seen = self._glance()
        if seen is not None:
            return seen
        with self._available() as desk:
            head = head_of(desk)
            return head.size if head else 0

    @contextmanager
    def _available(self) -> Iterator[Desk]:
        try:
            with self._entered() as desk:
                yield desk
        except BrokerUnavailableError as error:
            raise LogUnavailableError(error.message, **error.params) from error


def _log_keys(desk: Desk) -> tuple[NoteVerifier, ...]:
    """The log's keys: those of the trust policy; before the first one, those pinned at creation."""
    policy = desk.ledger.policy
    vkeys = policy.policy.log_keys if policy else desk.config.log_keys
    return tuple(NoteVerifier.parse(vkey) for vkey in vkeys)


def _keep_evidence(desk: Desk, note: bytes) -> None:
    """Keep a signed checkpoint that contradicts the head: it proves that the log forked."""
    directory = desk.store.directory / "evidence"
    make_directory(directory)
    if len(list(directory.iterdir())) < MAX_EVIDENCE_FILES:
        write_file(directory / f"{sha256(note)}.note", note)
        # The record tells the auditor that there is something to look at; it is signed, and public
        # to auditors, where the broker's directory is not.
        desk.enter(RecordKind.REFUSED, cites={"note": sha256(note)}, facts={"reason": FORKED_LOG})
