"""Logging in: a statement bound to one origin, one challenge and a few minutes. No password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from crypto.digests import Digest
from crypto.edge.identity import Identity
from crypto.encoding import parse_instant
from crypto.statements import Unverified
from crypto.statements.exchange import Login
from exchange.client.api import field, octets, text
from exchange.client.errors import NotTrustworthyError
from exchange.client.machine import Machine, new_statement
from exchange.client.trusted_view import TrustedView

LOGIN_LIFETIME: Final = timedelta(minutes=5)
"""Long enough for clocks that differ a little; a stolen login statement is worth nothing after it."""


def prove_key(
    machine: Machine, view: TrustedView, identity: Identity, signer: Digest
) -> tuple[Unverified[Login], Any]:
    """Answer the server's challenge; returns the login statement and the server's answer.

    The origin signed is the one of the trust policy, never the one that the server names: a login
    that another site relays is worth nothing there.
    """
    challenge = machine.api.challenge()
    origin = view.policy.policy.origin
    if field(challenge, "origin", text) != origin:
        raise NotTrustworthyError(
            "Le service se présente sous une autre origine que celle de la politique de confiance "
            "({origin}) : rien n'a été signé. Vérifiez son adresse.",
            origin=origin,
        )
    latest = machine.clock().replace(microsecond=0) + LOGIN_LIFETIME
    statement = new_statement(
        machine,
        view.trust,
        signer,
        Login,
        origin=origin,
        nonce=field(challenge, "nonce", octets),
        expires_at=min(latest, field(challenge, "expires_at", lambda v: parse_instant(text(v)))),
    )
    unverified = identity.sign(statement)
    return unverified, machine.api.login(unverified.envelope)
