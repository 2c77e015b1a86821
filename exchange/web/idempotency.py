"""``Idempotency-Key``: a retry after a lost answer finds what the first attempt made.

The key is reserved before anything is done, together with the id that the request's effect will bear.
Whatever the first attempt got done before it died, the retry goes on with the same id, and the use case,
which knows its own ids, makes nothing twice. No answer is stored: it is made anew, under a checkpoint at
least as new. Requests that carry a signed statement need no key, because the statement is one; a key that
comes along is still held to its one request. A key is one path's: a client may use the same for all steps
of one deposit.
"""

from __future__ import annotations

import re
from typing import Final

from flask import g, request

from crypto.digests import sha256
from crypto.encoding import new_opaque_id
from exchange.usecases.request_ports import Reservation
from exchange.usecases.service import Caller, Service
from exchange.web.errors import IdempotencyConflictError, MalformedRequestError

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


def hold_key(service: Service, caller: Caller | None, body: bytes) -> None:
    """Reserve the key that came along, if any, for this caller and path.

    Raises IdempotencyConflictError when it came with another body before. A stranger's key is
    not kept: whoever has no login could fill a table with them.
    """
    key = request.headers.get(HEADER)
    if key is None or caller is None:
        return
    if not _KEY.fullmatch(key):
        raise _unusable()
    digest = sha256(body)
    wanted = Reservation(digest, new_opaque_id(service.entropy))
    here = f"{sha256(request.path.encode())} {key}"
    with service.transactions() as work:
        held = work.idempotency.reserve(caller.signer or "", here, wanted, service.clock())
        work.commit()
    if held.request_sha256 != digest:
        raise IdempotencyConflictError(
            "Cette clé « Idempotency-Key » a déjà servi pour une autre demande."
        )
    g.reserved_id = held.subject


def reserved_id() -> str:
    """The id of what this request makes: the same for the same caller, key and body.

    Raises MalformedRequestError when no key came along.
    """
    reserved: str | None = g.get("reserved_id")
    if reserved is None:
        raise _unusable()
    return reserved


def _unusable() -> MalformedRequestError:
    return MalformedRequestError(
        "Cette demande doit porter une clé « Idempotency-Key » de 16 à 64 caractères."
    )
