"""What a command runs on: profile, connection, clock, entropy. Everything that differs in a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from crypto.digests import Digest
from crypto.encoding import new_opaque_id
from crypto.keys import Entropy
from crypto.statements import Statement
from crypto.trust import Trust
from exchange.client.api import Api
from exchange.client.connection import Connection
from exchange.client.profile import Profile
from exchange.client.progress import Progress

S = TypeVar("S", bound=Statement)


@dataclass(frozen=True)
class Machine:
    """What a command runs on: everything that would differ in a test."""

    profile: Profile
    connection: Connection
    clock: Callable[[], datetime]
    entropy: Entropy
    pause: Callable[[float], None]
    progress: Progress

    @property
    def api(self) -> Api:
        """The server's routes."""
        return Api(self.connection)


def new_statement(
    machine: Machine, trust: Trust, signer: Digest, kind: type[S], /, **fields: Any
) -> S:
    """A statement of now, with a fresh id."""
    return kind(
        commission=trust.commission,
        id=new_opaque_id(machine.entropy),
        issued_at=machine.clock().replace(microsecond=0),
        signer=signer,
        **fields,
    )
