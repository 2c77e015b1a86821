"""What a server in memory answers with: a body that may break off, or a problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exchange.client.errors import TransportError


class Answer:
    """A :class:`WireAnswer` in memory; ``cut`` ends the body too early."""

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None
    ):
        self.status, self.headers, self._body, self._cut = status, headers, body, cut

    def stream(self) -> Iterator[bytes]:
        if self._cut is not None:
            yield self._body[: self._cut]
            raise TransportError("La connexion s'est interrompue.")
        for at in range(0, len(self._body), 4096):
            yield self._body[at : at + 4096]

    def close(self) -> None:
        pass


class Problem(Exception):
    """Becomes an ``application/problem+json`` answer."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail or code
