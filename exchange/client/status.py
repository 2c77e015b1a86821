"""The broker's status: proof that what this client sees is what the broker acts upon, now.

A server can hide a revocation or a newer agenda; it cannot make the broker sign, over a nonce that
this client just drew, that they do not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crypto.digests import Digest
from crypto.statements import parse, verify
from crypto.statements.custody import Status
from exchange.client.errors import NotTrustworthyError
from exchange.client.machine import Machine
from exchange.client.trusted_view import TrustedView
from exchange.usecases.facts import latest_agenda, latest_sitting, revoked_digest

NONCE_BYTES: Final = 32

ACKNOWLEDGE_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two questions while the broker has not acknowledged an act yet: eight in all."""


def fetch_status(
    view: TrustedView,
    machine: Machine,
    *,
    sitting: str | None = None,
    includes: Sequence[Digest] = (),
) -> Status:
    """A verified status over a fresh nonce; raises NotTrustworthyError.

    What it says of sitting, agenda and revocations is *not* compared here: see
    :func:`require_current`.
    """
    nonce = machine.entropy(NONCE_BYTES)
    unverified = parse(Status, machine.api.status(nonce, sitting, includes))
    key = view.policy.broker_key(unverified.claimed_signer)
    if key is None:
        raise NotTrustworthyError(
            "L'état du gardien des clés est signé par une clé que la politique de confiance ne connaît "
            "pas : rien n'a été utilisé. Prévenez le secrétariat."
        )
    status = verify(unverified, key).statement
    if status.commission != view.trust.commission or status.nonce != nonce:
        raise NotTrustworthyError(
            "L'état du gardien des clés répond à une autre question que celle posée : il a pu être "
            "enregistré autrefois et remis aujourd'hui. Rien n'a été utilisé ; recommencez, puis prévenez "
            "le secrétariat."
        )
    if not machine.profile.raise_status_number(key.fingerprint, status.number):
        raise NotTrustworthyError(
            "L'état du gardien des clés porte le n° {number}, déjà dépassé : son registre a été ramené "
            "en arrière. Ne déposez rien et prévenez le vérificateur.",
            number=status.number,
        )
    if status.trust_version != view.policy.policy.version:
        raise NotTrustworthyError(
            "Le gardien des clés applique la politique de confiance n° {theirs}, le service montre la "
            "n° {ours} : recommencez dans un instant ; si cela dure, prévenez le secrétariat.",
            theirs=status.trust_version,
            ours=view.policy.policy.version,
        )
    return status


def require_current(view: TrustedView, status: Status, sitting: str | None) -> None:
    """Raise NotTrustworthyError unless ``view`` knows exactly what the broker knows."""
    if status.revoked != revoked_digest(view.ledger):
        raise NotTrustworthyError(
            "La liste des certificats révoqués montrée par le service n'est pas celle du gardien des "
            "clés : une révocation est cachée. Rien n'a été chiffré ni envoyé ; recommencez, puis "
            "prévenez le secrétariat."
        )
    if sitting is None:
        return
    known_sitting = latest_sitting(view.ledger, sitting)
    known_agenda = latest_agenda(view.ledger, sitting)
    if status.sitting != (known_sitting.digest if known_sitting else None):
        raise NotTrustworthyError(
            "La séance montrée par le service n'est pas dans la version que le gardien des clés "
            "applique : rien n'a été utilisé. Recommencez, puis prévenez le secrétariat."
        )
    if status.agenda != (known_agenda.digest if known_agenda else None):
        raise NotTrustworthyError(
            "L'ordre du jour montré par le service n'est pas dans la version que le gardien des clés "
            "applique : rien n'a été utilisé. Recommencez, puis prévenez le secrétariat."
        )


def wait_until_acknowledged(view: TrustedView, machine: Machine, digest: Digest) -> None:
    """Return once the broker says that it knows the statement ``digest``.

    Only then is a revocation, a sitting or a recusal done: before, the broker could still open an
    envelope against it.
    """
    for seconds in (*ACKNOWLEDGE_PAUSES, 0.0):
        status = fetch_status(view, machine, includes=[digest])
        if digest in status.includes:
            return
        machine.pause(seconds)
    raise NotTrustworthyError(
        "La déclaration est enregistrée, mais le gardien des clés ne l'a pas encore prise en compte : "
        "elle n'a pas d'effet tant qu'il ne le confirme pas. Recommencez la commande dans un instant ; "
        "si cela dure, prévenez l'exploitant."
    )
