"""``Idempotency-Key``: a retry after a lost answer gets that answer, and nothing happens twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flask import Response, request

from crypto.digests import Digest, sha256
from exchange.usecases.ports import StoredAnswer
from exchange.usecases.service import Caller, Service
from exchange.web.errors import IdempotencyConflictError, MalformedRequestError
from exchange.web.routes import JSON

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")

_NO_ANSWER: Final = 0
"""The status kept for a request whose use case finds its own answer again."""


def once(service: Service, caller: Caller, body: bytes, act: Callable[[], Response]) -> Response:
    """Do ``act`` once for this caller and key; the first answer again for the same body."""
    key = _key(required=True)
    digest = _digest(body)
    known = _known(service, caller, key, digest)
    if known is not None:
        return Response(known.body, known.status, content_type=JSON)
    answer = act()
    _keep(service, caller, key, StoredAnswer(digest, answer.status_code, answer.get_data()))
    return answer


def require_same_request(service: Service, caller: Caller, body: bytes) -> None:
    """Refuse a key that came with another request before.

    For use cases that are idempotent by themselves: their answer is made anew each time.
    """
    key = _key(required=False)
    if key and _known(service, caller, key, _digest(body)) is None:
        _keep(service, caller, key, StoredAnswer(_digest(body), _NO_ANSWER, b""))


def _key(*, required: bool) -> str:
    key = request.headers.get(HEADER, "")
    if (key or required) and not _KEY.fullmatch(key):
        raise MalformedRequestError(
            "Cette demande doit porter une clé « Idempotency-Key » de 16 à 64 caractères."
        )
    return key


def _digest(body: bytes) -> Digest:
    return sha256(request.path.encode() + b"\0" + body)


def _known(service: Service, caller: Caller, key: str, digest: Digest) -> StoredAnswer | None:
    with service.transactions() as work:
        known = work.idempotency.get(caller.signer or "", key)
    if known is not None and known.request_sha256 != digest:
        raise IdempotencyConflictError(
            "Cette clé « Idempotency-Key » a déjà servi pour une autre demande."
        )
    return known


def _keep(service: Service, caller: Caller, key: str, answer: StoredAnswer) -> None:
    with service.transactions() as work:
        if work.idempotency.get(caller.signer or "", key) is None:
            work.idempotency.add(caller.signer or "", key, answer, service.clock())
            work.commit()
