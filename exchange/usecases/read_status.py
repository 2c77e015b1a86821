"""The broker's fresh word on what it has acknowledged, carried through the server."""

from __future__ import annotations

from collections.abc import Sequence

from crypto.digests import Digest
from exchange.usecases.acknowledgement import push_to_broker
from exchange.usecases.record import present, publish
from exchange.usecases.service import Caller, Service
from exchange.usecases.signatures import require_caller


def read_status(
    service: Service,
    caller: Caller,
    *,
    nonce: bytes,
    sitting: str | None,
    includes: Sequence[Digest],
) -> bytes:
    """A ``status`` envelope for the caller's nonce. Statuses are not logged (DESIGN, section 5)."""
    with service.readings() as work:
        require_caller(service, work, caller, present(service))
    publish(service)
    push_to_broker(service)
    return service.broker.status(nonce, sitting, includes)
