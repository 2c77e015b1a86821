"""The witnesses that a trust policy names with an address, asked over HTTP (C2SP tlog-witness)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import urllib3

from audit.checkpoint import parse_decimal
from audit.errors import (
    LogFormatError,
    LogUnavailableError,
    WitnessConflictError,
    WitnessError,
)
from audit.policy import BROKER, LogPolicy
from audit.ports import Cosigner
from audit.witness import AddCheckpoint

TIMEOUT_SECONDS: Final = 1.5
"""For connecting and for each read: below ``audit.cosigning.GATHERING_SECONDS``."""

MAX_ANSWER_BYTES: Final = 16_384
"""A witness answers with one line, or a few while it changes its key."""

CONFLICT: Final = 409


class HttpWitness:
    """``audit.ports.Cosigner`` over one witness's ``add-checkpoint``."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._size = 0
        # No retry and no redirect: the log asks again by itself, and only where the policy says.
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(TIMEOUT_SECONDS), retries=False, num_pools=1, maxsize=4
        )

    @property
    def name(self) -> str:
        return self._name

    def last_size(self) -> int:
        """As this process knows it; a wrong guess is put right by the witness's refusal (409)."""
        return self._size

    def add_checkpoint(self, old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
        body = AddCheckpoint(old_size, tuple(proof), note).to_bytes()
        status, answer = self._post(body)
        if status == CONFLICT:
            self._size = self._told(answer)
            raise WitnessConflictError(
                "Le témoin « {name} » a cosigné en dernier le journal de {size} événements.",
                size=self._size,
                name=self._name,
            )
        if status != 200:
            raise WitnessError(
                "Le témoin « {name} » a refusé (HTTP {status}).", name=self._name, status=status
            )
        self._size = parse_decimal(note.split(b"\n", 2)[1].decode("ascii"))
        return answer

    def _post(self, body: bytes) -> tuple[int, bytes]:
        try:
            response = self._pool.request(
                "POST", self._url, body=body, preload_content=False, redirect=False
            )
            try:
                answer = response.read(MAX_ANSWER_BYTES + 1, decode_content=True)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise LogUnavailableError(
                "Le témoin « {name} » ne répond pas.", name=self._name
            ) from error
        if len(answer) > MAX_ANSWER_BYTES:
            raise WitnessError("Le témoin « {name} » répond trop longuement.", name=self._name)
        return response.status, answer

    def _told(self, answer: bytes) -> int:
        try:
            return parse_decimal(answer.decode("ascii").removesuffix("\n"))
        except (UnicodeDecodeError, LogFormatError) as error:
            raise WitnessError(
                "Le témoin « {name} » a refusé sans dire pourquoi.", name=self._name
            ) from error


class PolicyWitnesses:
    """One ``HttpWitness`` for each witness line with an address, kept while the line stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], HttpWitness] = {}

    def __call__(self, policy: LogPolicy) -> tuple[Cosigner, ...]:
        """The witnesses of ``policy``, the broker excepted: it is asked by its own port."""
        named = {
            (each.verifier.name, each.url)
            for each in policy.witnesses.witnesses
            if each.url is not None and each.name != BROKER
        }
        with self._lock:
            self._known = {key: self._known.get(key) or HttpWitness(*key) for key in sorted(named)}
            return tuple(self._known.values())
