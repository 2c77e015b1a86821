"""What the registrar signs about the log itself: an emergency, and what is erased by the rule."""

from __future__ import annotations

from datetime import datetime

from crypto.edge.identity import Identity
from crypto.statements.custody import Emergency
from exchange.client.api import field, utf8
from exchange.client.desk import open_view
from exchange.client.errors import NotPossibleError
from exchange.client.machine import Machine, new_statement
from exchange.usecases.ledger import Accepted


def lower_quorum(
    machine: Machine, identity: Identity, quorum: int, expires_at: datetime, reason: str
) -> Accepted[Emergency]:
    """Sign and publish an emergency, and verify that it is in the log.

    Without a login: a login is an event, and while witnesses are missing none can be published. Raises
    NotPossibleError for a key that is no registrar's.
    """
    view, _source = open_view(machine)
    statement = new_statement(
        *(machine, view.trust, identity.verify_key.fingerprint, Emergency),
        quorum=quorum,
        expires_at=expires_at,
        reason=reason,
    )
    if view.policy.registrar_key(statement.signer, statement.issued_at) is None:
        raise NotPossibleError(
            "Seule la clé du secrétariat, nommée par la politique de confiance, abaisse le nombre de "
            "témoins exigés : prenez son profil (--profile)."
        )
    signed = identity.sign(statement)
    receipt = field(machine.api.post_statement(signed.envelope), "receipt", utf8)
    view, _source = open_view(machine)
    machine.profile.keep_statement(signed.digest, signed.envelope)
    machine.profile.keep_receipt(signed.digest, receipt)
    return view.need(Emergency, signed.digest)
