"""The errors of the key store itself. Refusals are ``usecases.errors.BrokerRefusalError``."""

from __future__ import annotations

from crypto.errors import ExplainedError


class BrokerStoreError(ExplainedError):
    """The store's files are missing, altered, rolled back or cannot be written."""


class BrokerBusyError(BrokerStoreError):
    """Another process held the store for too long."""


class BrokerLockedError(BrokerStoreError):
    """The store is encrypted and nobody has unlocked it, or the passphrase was wrong."""
