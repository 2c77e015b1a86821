"""``Idempotency-Key``: a retry after a lost answer gets that answer, and nothing happens twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flask import Response, request

from crypto.digests import sha256
from exchange.usecases.ports import StoredAnswer
from exchange.usecases.service import Caller, Service
from exchange.web.errors import IdempotencyConflictError, MalformedRequestError
from exchange.web.routes import JSON

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


def once(service: Service, caller: Caller, body: bytes, act: Callable[[], Response]) -> Response:
    """Do ``act`` once for this caller and key; the first answer again for the same body."""
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise MalformedRequestError(
            "Cette demande doit porter une clé « Idempotency-Key » de 16 à 64 caractères."
        )
    owner = caller.signer or ""
    digest = sha256(request.path.encode() + b"\0" + body)
    with service.transactions() as work:
        known = work.idempotency.get(owner, key)
    if known is not None:
        if known.request_sha256 != digest:
            raise IdempotencyConflictError(
                "Cette clé « Idempotency-Key » a déjà servi pour une autre demande."
            )
        return Response(known.body, known.status, content_type=JSON)
    answer = act()
    with service.transactions() as work:
        if work.idempotency.get(owner, key) is None:
            stored = StoredAnswer(digest, answer.status_code, answer.get_data())
            work.idempotency.add(owner, key, stored, service.clock())
            work.commit()
    return answer
