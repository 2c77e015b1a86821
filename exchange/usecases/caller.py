"""Who a login still stands for: asked at every request, so that a revocation acts at once."""

from __future__ import annotations

from crypto.digests import Digest
from exchange.usecases.authority import certified
from exchange.usecases.errors import NotAllowedError, explained
from exchange.usecases.foresight import foresee_caller
from exchange.usecases.record import present
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import caller_of, trusted_policy


def current_caller(
    service: Service, *, certificate: Digest | None, key: Digest | None
) -> Caller | None:
    """The caller of a certificate or registrar's key that still counts now; else None."""
    now = present(service)
    with service.readings() as work:
        try:
            with explained():
                if certificate is not None:
                    foresee_caller(work.statements, certificate)
                    return caller_of(certified(work.statements, certificate, now))
                policy = trusted_policy(service.trust, work.statements)
        except NotAllowedError:
            return None
    if policy and key and policy.registrar_key(key, now):
        return Caller(key=key)
    return None
