"""After a withdrawal or a closing, or by its own clock: the broker destroys keys, and says so."""

from __future__ import annotations

from audit.events import EventType
from crypto.digests import Digest
from crypto.statements import Unverified, parse
from crypto.statements.custody import Cause, Destruction, ReleaseKey
from crypto.statements.exchange import Withdrawal
from crypto.statements.registry import Closing
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.endings import end_keys
from exchange.usecases.errors import BrokerRefusalError, explained
from exchange.usecases.ports import Attested, UnitOfWork
from exchange.usecases.record import Filed, attest, present, publish, record_statement
from exchange.usecases.service import Service
from exchange.usecases.signatures import verified_by


def destroy_keys(service: Service, because: Digest) -> Attested:
    """Have the broker destroy what ``because`` ends, and record it. Repeats the same answer."""
    return _record(service, service.broker.destroy(because), because)


def settle(service: Service) -> int:
    """End every key that should have ended already; how many destructions were asked for.

    A closing or withdrawal whose request died before the broker answered, and sittings that nobody
    closed, whose keys the broker destroys by its own clock.
    """
    with service.transactions() as work:
        settled = {each.statement.because for each in work.statements.find(Destruction)}
        ended = [
            each.digest
            for kind in (Closing, Withdrawal)
            for each in work.statements.find(kind)
            if each.digest not in settled
        ]
    push_to_broker(service)
    for digest in ended:
        destroy_keys(service, digest)
    expired = service.broker.destroy_expired()
    for envelope in expired:
        _record(service, envelope, None)
    return len(ended) + len(expired)


def _record(service: Service, envelope: bytes, because: Digest | None) -> Attested:
    now = present(service)
    with explained():
        unverified = parse(Destruction, envelope)
    _require_answer(unverified, because)
    with service.transactions() as work:
        known = work.statements.get(unverified.digest)
        if known is None:
            verified = verified_by(service, work, unverified, now)
            ticket = record_statement(
                service,
                work,
                verified,
                EventType.KEY_DESTROYED,
                at=now,
                cites={"because": because} if because else {},
            )
            if because is None:
                end_keys(work, _deposits(work, unverified.statement))
            work.commit()
        else:
            ticket = known.order
    publish(service)
    push_to_broker(service)
    return attest(service, Filed(envelope, unverified.digest, ticket))


def _require_answer(unverified: Unverified[Destruction], because: Digest | None) -> None:
    statement = unverified.statement
    fits = statement.because == because and (because is None) == (statement.cause is Cause.EXPIRY)
    if not fits:
        raise BrokerRefusalError(
            "Le gardien des clés a répondu par la destruction d'autres clés : prévenez le "
            "secrétariat."
        )


def _deposits(work: UnitOfWork, destruction: Destruction) -> list[str]:
    found = [work.statements.get(digest) for digest in destruction.release_keys]
    return [
        each.statement.deposit for each in found if each and isinstance(each.statement, ReleaseKey)
    ]
