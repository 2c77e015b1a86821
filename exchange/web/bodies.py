"""Reading what a client sent: all of it, within its limit, and strictly, or not at all."""

from __future__ import annotations

import base64
import binascii
import io
import re
from typing import Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from crypto.digests import Digest, sha256
from crypto.statements.model import load_strict_json
from exchange.web.accounts import optional_caller
from exchange.web.context import service
from exchange.web.errors import (
    BodyTooLargeError,
    IncompleteBodyError,
    LengthRequiredError,
    MalformedRequestError,
    UnsupportedTypeError,
)
from exchange.web.idempotency import hold_key
from exchange.web.routes import JSON

M = TypeVar("M", bound=BaseModel)

MAX_DIGEST_HEADER_CHARS: Final = 400
"""A Content-Digest with both algorithms of RFC 9530 takes 160."""

READ_BYTES: Final = 65_536
"""64 KiB at a time: what the web server holds beside it."""

_SHA256_MEMBER: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def read_json(model: type[M], limit: int) -> M:
    """The body as ``model``, its ``Idempotency-Key`` held to it; raises a WebError."""
    if request.mimetype != JSON:
        raise UnsupportedTypeError(
            "Ce service attend du JSON (Content-Type: {expected}).", expected=JSON
        )
    octets = read_octets(limit)
    hold_key(service(), optional_caller(), octets)
    loaded = load_strict_json(octets, limit=limit)
    try:
        return model.model_validate(loaded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise MalformedRequestError(
            "La demande n'est pas conforme, au champ « {field} » ({detail}).",
            field=".".join(str(step) for step in first["loc"]) or "?",
            detail=first["msg"],
        ) from error


def read_octets(limit: int) -> bytes:
    """The body, exactly as long as announced and at most ``limit`` octets; raises a WebError.

    A connection that breaks off ends the stream like a complete body would: only the comparison
    with Content-Length tells the two apart.
    """
    length = request.content_length
    if length is None or request.headers.get("Transfer-Encoding"):
        raise LengthRequiredError("L'envoi doit annoncer sa longueur (Content-Length).")
    if length > limit:
        raise BodyTooLargeError("Cet envoi dépasse {limit} octets.", limit=limit)
    try:
        data = _read(length)
    except ClientDisconnected as error:
        raise _broken_off() from error
    except HTTPException as error:
        raise BodyTooLargeError("Cet envoi dépasse {limit} octets.", limit=limit) from error
    if len(data) != length:
        raise _broken_off()
    return data


def _read(length: int) -> bytes:
    """At most ``length`` octets, gathered where they stay: neither the room growing in steps nor a copy of
    each part that is under way doubles what a worker needs.
    """
    kept, filled = io.BytesIO(bytes(length)), 0
    with kept.getbuffer() as room:
        while filled < length:
            piece = request.stream.read(min(READ_BYTES, length - filled))
            if not piece:
                break
            room[filled : filled + len(piece)] = piece
            filled += len(piece)
    return kept.getvalue()[:filled]


def read_digested_octets(limit: int) -> tuple[bytes, Digest]:
    """The body and its SHA-256, which must be the one of ``Content-Digest`` (RFC 9530)."""
    announced = _announced_digest()
    data = read_octets(limit)
    actual = sha256(data)
    if actual != announced:
        raise MalformedRequestError(
            "L'empreinte des octets reçus n'est pas celle annoncée (Content-Digest) : l'envoi a été "
            "altéré en chemin, recommencez-le."
        )
    return data, actual


def _announced_digest() -> Digest:
    header = request.headers.get("Content-Digest", "")
    found = _SHA256_MEMBER.findall(header) if len(header) <= MAX_DIGEST_HEADER_CHARS else []
    if len(found) != 1:
        raise MalformedRequestError(
            "L'envoi doit annoncer l'empreinte de ses octets (Content-Digest: sha-256=:…:)."
        )
    try:
        return Digest(base64.b64decode(found[0], validate=True).hex())
    except binascii.Error as error:
        raise MalformedRequestError(
            "L'envoi doit annoncer l'empreinte de ses octets (Content-Digest: sha-256=:…:)."
        ) from error


def _broken_off() -> IncompleteBodyError:
    return IncompleteBodyError(
        "L'envoi s'est interrompu avant sa fin : rien n'a été gardé, recommencez-le."
    )
