"""A service that lies to one browser: what it may alter, exchange, hold back, replay, or sign itself.

The real service answers; what arrives in the tab is what a hostile one could send in its place. It holds
no key of anybody, but it can make keys of its own.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from crypto.edge.identity import Identity
from crypto.encoding import encode_base64
from crypto.keys import MasterSeed
from tests.support.pages_browser import Tab

Change = Callable[[Any], Any]
"""From the JSON that the service answered to the JSON that the browser gets."""


@dataclass
class LyingService:
    """Stands between one tab and the service, honest until told otherwise."""

    tab: Tab
    lies: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and address of what was asked since the last lie was told."""

    def __post_init__(self) -> None:
        self.tab.page.on("request", lambda made: self.asked.append(f"{made.method} {made.url}"))

    def answers(self, pattern: str, change: Change) -> None:
        """From now on, answers of these addresses are changed."""

        def lie(route: Any) -> None:
            honest = route.fetch()
            if not honest.ok:
                route.fulfill(response=honest)
                return
            route.fulfill(response=honest, body=json.dumps(change(honest.json())))

        self.tab.page.route(pattern, lie)
        self.lies.append(pattern)
        self.asked.clear()

    def records(self, pattern: str) -> list[Any]:
        """Keeps the answers of these addresses, to replay one later; they pass unchanged."""
        kept: list[Any] = []

        def listen(answer: Any) -> Any:
            kept.append(answer)
            return answer

        self.answers(pattern, listen)
        return kept

    def is_honest_again(self) -> None:
        for pattern in self.lies:
            self.tab.page.unroute(pattern)
        self.lies.clear()


def statement_in(envelope: str) -> Any:
    return json.loads(base64.b64decode(json.loads(envelope)["payload"]))


def type_of(envelope: str) -> str:
    """``certificate`` from ``application/vnd.dossier-exchange.certificate.v1+json``."""
    return str(json.loads(envelope)["payloadType"].split(".")[2])


@dataclass(frozen=True)
class Forger:
    """A signing key and an age key that nobody certified."""

    key: SigningKey
    recipient: str

    @classmethod
    def fresh(cls) -> Forger:
        identity = Identity(MasterSeed.generate(os.urandom))
        return cls(SigningKey.generate(), str(identity.recipient))

    def signs(self, envelope: str, **changes: Any) -> str:
        """The same statement with other fields, under this key's own signature."""
        outer = json.loads(envelope)
        body = json.dumps({**statement_in(envelope), **changes}).encode()
        kind = outer["payloadType"].encode()
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)
        signature = encode_base64(self.key.sign(message).signature)
        return json.dumps(
            {**outer, "payload": encode_base64(body), "signatures": [{"sig": signature}]}
        )
