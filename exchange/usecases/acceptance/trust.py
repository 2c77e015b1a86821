"""The next trust policy: usable by this service, and limited in time."""

from __future__ import annotations

from audit.policy import LogPolicy
from crypto.statements.registry import TrustPolicy
from exchange.usecases.acceptance.context import AcceptanceContext
from exchange.usecases.errors import ExpiredError, InvalidRequestError, explained
from exchange.usecases.signatures import ONE_YEAR


def check_trust_policy(context: AcceptanceContext, statement: TrustPolicy) -> None:
    """Its roots were checked by ``crypto.trust``; here: origin, log rules, terms of the keys."""
    if statement.origin != context.origin:
        raise InvalidRequestError(
            "Cette politique de confiance nomme le journal « {got} » ; celui de ce service est "
            "« {origin} ».",
            got=statement.origin,
            origin=context.origin,
        )
    if statement.expires_at <= context.now:
        raise ExpiredError("Cette politique de confiance a déjà expiré.")
    for entry in statement.registrar_keys:
        if entry.not_after > statement.issued_at + ONE_YEAR:
            raise InvalidRequestError(
                "Une clé de secrétariat est certifiée pour douze mois au plus : signez une "
                "nouvelle politique chaque année."
            )
    with explained():
        LogPolicy.from_trust_policy(statement)
