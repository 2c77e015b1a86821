"""The errors of the remote broker's client that are not those of the port."""

from __future__ import annotations

from crypto.errors import ExplainedError


class BrokerLinkError(ExplainedError):
    """Address, certificates or keys of the link to the broker cannot be used as they are."""
