"""Making a new broker store, once, before the first trust policy can name its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crypto.age.wrap import DEFAULT_LOG_N
from crypto.keys import Entropy, VerifyKey
from crypto.trust import Trust
from exchange.broker.cosigner_key import own_verifier
from exchange.broker.keystore import KeyStore, StoreConfig


@dataclass(frozen=True)
class BrokerKeys:
    """What the trust policy must say of this broker."""

    statement_key: VerifyKey
    """For ``broker_keys``."""
    cosigner_vkey: str
    """For the line ``witness broker <vkey>`` of ``witness_policy``."""


def create_broker(
    directory: Path,
    *,
    trust: Trust,
    origin: str,
    log_keys: Sequence[str],
    entropy: Entropy,
    passphrase: str | None = None,
    log_n: int = DEFAULT_LOG_N,
) -> BrokerKeys:
    """Make a store in an empty directory; raises BrokerStoreError when there is one already.

    ``log_keys`` are the log's note keys: with them the broker cosigns the first entries, before the
    first trust policy, itself entry 0, can name them. With a ``passphrase`` the store is encrypted at
    rest; ``log_n`` is scrypt's work factor.
    """
    store = KeyStore(directory)
    config = StoreConfig(trust=trust, origin=origin, log_keys=tuple(log_keys))
    store.create(config, entropy, passphrase, log_n=log_n)
    return BrokerKeys(store.statement_key(), str(own_verifier(store, origin)))
