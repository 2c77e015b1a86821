"""What the registrar signs about the log itself: an emergency, and what is erased by the rule."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

from crypto.edge.identity import Identity
from crypto.statements.custody import Attestation, Emergency, IndexRange, Retention
from crypto.statements.fields import MAX_ITEMS
from exchange.client.api import field, many, utf8
from exchange.client.desk import Desk, open_view
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.machine import Machine, new_statement
from exchange.usecases.index_ranges import covered
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


def proposed(desk: Desk, dossier: str | None) -> tuple[tuple[IndexRange, ...], int]:
    """What may be erased now, as the service lists it, and how many entries lack an attestation.

    The service's list is no authority: raises NotTrustworthyError where it names an entry that no
    verified attestation covers. That the entries are old enough the service checks by its settings.
    """
    desk.source.begin()
    answer = desk.api.erasable(dossier)
    ranges = field(answer, "ranges", many(IndexRange.model_validate))
    attested = [each.statement.ranges for each in desk.load(Attestation)]
    for each in ranges:
        if not covered(each, itertools.chain.from_iterable(attested)):
            raise NotTrustworthyError(
                "Le service propose d'effacer des événements ({first} à {last}) qu'aucun vérificateur "
                "n'a attestés : rien n'a été signé. Prévenez le vérificateur.",
                first=each.first,
                last=each.last,
            )
    return ranges, field(answer, "unattested", int)


def erase(desk: Desk, ranges: Sequence[IndexRange], rule: str) -> tuple[Accepted[Retention], ...]:
    """Sign and publish the erasure. One statement holds MAX_ITEMS ranges; more become several."""
    return tuple(
        desk.submit(desk.draft(Retention, ranges=ranges[start : start + MAX_ITEMS], rule=rule))[0]
        for start in range(0, len(ranges), MAX_ITEMS)
    )
