"""Going on after a restored backup: what the roots sign, and how the service takes it.

The log never goes back by itself: its mark, kept outside of the database, and the broker's own head
refuse a database that lacks what was signed. A ``recovery`` names the restored head and is the one
exception. It comes in from the machine itself (``dossier recovery apply``) and not over HTTP: without it
nobody can log in. The broker never goes back at all; another one takes its place (decision 0012).
"""

from __future__ import annotations

from audit.checkpoint import Checkpoint
from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import parse
from crypto.statements.custody import Recovery
from exchange.usecases.errors import InvalidRequestError, UnavailableError, explained
from exchange.usecases.record import present, publish, record_statement
from exchange.usecases.service import Service
from exchange.usecases.signatures import require_fresh, verified_by


def recover(service: Service, envelope: bytes) -> tuple[Digest, bool]:
    """Go on from the restored head; the statement's identity, and whether the log is published again.

    It is not while the broker in charge has seen more than the database holds. The same recovery again
    changes nothing. Raises InvalidRequestError, NotAllowedError, or UnavailableError when it names
    another checkpoint than the restored one.
    """
    now = present(service)
    with explained():
        unverified = parse(Recovery, envelope)
        named = Checkpoint.of_note(unverified.statement.checkpoint.encode())
    if named.origin != service.origin:
        raise InvalidRequestError("Cette reprise est celle d'un autre journal.")
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            require_fresh(service, unverified.statement, now)
            verified = verified_by(service, work, unverified, now)
    if known is None:
        with explained():
            service.log.recover(named)
        with service.transactions() as work:
            facts = {"type": Recovery.TYPE}
            kind = EventType.STATEMENT_ACCEPTED
            record_statement(service, work, verified, kind, at=now, facts=facts)
            work.commit()
    try:
        publish(service)
    except UnavailableError:
        return unverified.digest, False
    return unverified.digest, True
