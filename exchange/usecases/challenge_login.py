"""A nonce that a login statement must carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exchange.usecases.record import present
from exchange.usecases.service import Service

NONCE_BYTES: Final = 32
"""256 bits: a challenge is never guessed and never repeats."""


@dataclass(frozen=True)
class Challenge:
    """What the client signs back."""

    origin: str
    nonce: bytes
    expires_at: datetime


def challenge_login(service: Service) -> Challenge:
    """A fresh challenge, good once, for a few minutes."""
    now = present(service)
    challenge = Challenge(
        service.origin, service.entropy(NONCE_BYTES), now + service.limits.challenge_lifetime
    )
    with service.transactions() as work:
        work.challenges.drop_expired(now)
        work.challenges.add(challenge.nonce, challenge.expires_at)
        work.commit()
    return challenge
