"""What one operation of the broker works on, while it holds the store's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, TypeVar

from audit.note import NoteVerifier
from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.errors import UntrustedError
from crypto.keys import Entropy, HybridIdentity, ServiceSigningSeed
from crypto.statements import Statement, Unverified, seal
from crypto.trust import TrustedPolicy
from exchange.broker.cosigner_key import own_verifier
from exchange.broker.keystore import KeyStore, State, StoreConfig
from exchange.broker.ledger import BrokerLedger
from exchange.broker.record import BrokerRecord, Recorded
from exchange.broker.refusals import Why, refusal
from exchange.usecases.broker_record import RecordKind

S = TypeVar("S", bound=Statement)

MAX_REFUSALS_A_DAY: Final = 1_000
"""Recorded one by one, at some 300 bytes; a commission's year has fewer than that of honest ones."""


@dataclass
class Desk:
    """The store with what was read of it into memory. ``now`` is the broker's own clock, and ``state``
    its counters and head, both read once an operation: no check of it sees others than the next.
    """

    store: KeyStore
    config: StoreConfig
    ledger: BrokerLedger
    record: BrokerRecord
    state: State
    entropy: Entropy
    now: datetime
    _release_keys: dict[str, HybridIdentity | None] = field(default_factory=dict, repr=False)

    @cached_property
    def seed(self) -> ServiceSigningSeed:
        """The key of statements and record: read when an operation first signs, gone when it ends."""
        return self.store.statement_seed()

    @cached_property
    def signer(self) -> Digest:
        """How the broker's statements name their signer."""
        return self.store.statement_key().fingerprint

    @cached_property
    def cosigner(self) -> NoteVerifier:
        """The public key of this broker's cosignatures."""
        return own_verifier(self.store, self.config.origin)

    def save_state(self, **changes: object) -> None:
        """Change the state; durable when it returns."""
        state = self.state.model_copy(update=changes)
        self.store.save_state(state)
        self.state = state

    def require_policy(self) -> TrustedPolicy:
        """The trust policy in force: it must exist, not have expired, and name this broker."""
        policy = self.ledger.policy
        if policy is None:
            raise refusal(
                Why.NO_TRUST_POLICY,
                "Le gardien des clés attend la première politique de confiance : publiez-la d'abord.",
            )
        try:
            policy.require_unexpired(self.now)
        except UntrustedError as error:
            raise refusal(Why.TRUST_POLICY_EXPIRED, error.message, **error.params) from error
        if policy.broker_key(self.signer) is None:
            raise refusal(
                Why.NOT_THE_BROKER,
                "La politique de confiance en vigueur ne désigne pas ce gardien des clés : ce qu'il "
                "signerait serait refusé par tous.",
            )
        return policy

    def new_fields(self) -> dict[str, object]:
        """The fields that every statement of the broker carries."""
        return {
            "commission": self.config.trust.commission,
            "id": new_opaque_id(self.entropy),
            "issued_at": self.now.replace(microsecond=0),
            "signer": self.signer,
        }

    def sign(self, statement: S) -> Unverified[S]:
        """Sign a statement with the broker's statement key."""
        return seal(statement, [self.seed])

    def enter(
        self,
        kind: RecordKind,
        *,
        cites: Mapping[str, Digest],
        facts: Mapping[str, str],
        envelope: bytes | None = None,
    ) -> None:
        """Put one thing into the signed record, durably; a repetition adds nothing.

        Beyond ``MAX_REFUSALS_A_DAY`` one line says that there were more: whoever reaches the broker
        must not be able to fill its disk, and with it stop the destruction of keys.
        """
        today = self.now.date()
        if kind is RecordKind.REFUSED and self.record.refusals[today] >= MAX_REFUSALS_A_DAY:
            cites, facts = {}, {"reason": Why.TOO_MANY_REFUSALS, "day": today.isoformat()}
        self.enter_all(kind, [Recorded(cites, facts, envelope)])

    def enter_all(self, kind: RecordKind, things: Sequence[Recorded]) -> None:
        """Put at most LINES_TOGETHER things of a kind into the record; repetitions add nothing."""
        different = {each.identity: each for each in things}
        new = [each for each in different.values() if not self.record.contains(kind, each)]
        if new:
            self.record.append(kind, self.now.replace(microsecond=0), new, self.seed)

    def release_key(self, deposit: str) -> HybridIdentity | None:
        """A release key, None once destroyed; read once an operation, gone when it ends."""
        if deposit not in self._release_keys:
            self._release_keys[deposit] = self.store.release_key(deposit)
        return self._release_keys[deposit]
