"""The broker's cosigner key under its name in checkpoints: the signing and the verifying side."""

from __future__ import annotations

from audit.note import KeyType, NoteSigner, NoteVerifier
from exchange.broker.keystore import KeyStore
from exchange.usecases.broker_wire import cosigner_name


def cosigner_of(store: KeyStore, log_origin: str) -> NoteSigner:
    """The signing side of the broker's cosigner key; use it and let it go."""
    return NoteSigner(cosigner_name(log_origin), store.cosigner_seed(), KeyType.COSIGNATURE_V1)


def own_verifier(store: KeyStore, log_origin: str) -> NoteVerifier:
    """The verifying side."""
    return NoteVerifier(cosigner_name(log_origin), KeyType.COSIGNATURE_V1, store.cosigner_key())
