"""One HTTP exchange, as the client sees it: what a transport must promise.

Production speaks urllib3 (``client.transport``); tests play a hostile server in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class WireRequest:
    """``target`` is path and query, percent-encoded, from the server's root."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class WireAnswer(Protocol):
    """An answer whose body is still to be read, once."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Header fields, names in lower case."""

    def stream(self) -> Iterator[bytes]:
        """The body in pieces; raises TransportError when it breaks off. Closes at its end."""

    def close(self) -> None:
        """Give the connection up. Idempotent."""


class Wire(Protocol):
    """A way to one server."""

    def send(self, request: WireRequest) -> WireAnswer:
        """Send and wait for status and headers; raises TransportError."""
