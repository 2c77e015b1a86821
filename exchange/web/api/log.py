"""The audit log's own files and proofs (C2SP tlog-tiles), and receipts."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from audit.errors import LogFormatError
from audit.tiles import TILE_WIDTH, TilePath
from crypto.encoding import encode_base64
from exchange.usecases.errors import NotFoundError
from exchange.web.answers import text_answer
from exchange.web.context import service
from exchange.web.errors import MalformedRequestError
from exchange.web.routes import OCTETS, TEXT, anonymous, answers, query, records_nothing

CHECKPOINT_CACHE: Final = "public, max-age=2"
"""tlog-tiles: a checkpoint may be cached for seconds only."""

TILE_CACHE: Final = "private, max-age=31536000, immutable"
"""A tile never changes; ``private`` because it needs a login."""

MAX_SIZE_DIGITS: Final = 15
"""A thousand events a second for thirty thousand years."""

NO_PERSONAL_DATA: Final = "holds hashes only; anybody may watch that the log is one"

files = Blueprint("log_files", __name__, url_prefix="/log")
proofs = Blueprint("log_proofs", __name__, url_prefix="/api/v1")


@files.get("/checkpoint")
@records_nothing(NO_PERSONAL_DATA)
@anonymous("witnesses and clients that have no login yet compare checkpoints")
@answers(200, media_type=TEXT)
def checkpoint() -> Response:
    """The published checkpoint, with its cosignatures."""
    note = service().log.checkpoint()
    if note is None:
        raise NotFoundError("Le journal n'a encore aucun point de contrôle publié.")
    return text_answer(note, CHECKPOINT_CACHE)


@files.get("/tile/<path:tile>")
@records_nothing("hashes and commitments without their openings: nothing in them can be read")
@answers(200, media_type=OCTETS)
def log_tile(tile: str) -> Response:
    """A tile or a bundle of entries: ``<L>/<N>[.p/<W>]`` or ``entries/<N>[.p/<W>]``."""
    try:
        parsed = TilePath.parse(f"tile/{tile}")
    except LogFormatError as error:
        raise NotFoundError("Cette tuile n'existe pas.") from error
    width = None if parsed.width == TILE_WIDTH else parsed.width
    log = service().log
    if parsed.level is None:
        data = log.entries_tile(parsed.number, width)
    else:
        data = log.tile(parsed.level, parsed.number, width)
    response = Response(data, content_type=OCTETS)
    response.headers["Cache-Control"] = TILE_CACHE
    return response


@proofs.get("/log/consistency")
@records_nothing(NO_PERSONAL_DATA)
@anonymous("a client checks that the log is one before it logs in")
@query("from", "the smaller size", required=True)
@query("to", "the larger size", required=True)
@answers(200, media_type=TEXT)
def consistency() -> Response:
    """The RFC 6962 consistency proof between two sizes: lines of base64."""
    proof = service().log.consistency(_size("from"), _size("to"))
    return text_answer("".join(f"{encode_base64(each)}\n" for each in proof).encode())


def _size(name: str) -> int:
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_SIZE_DIGITS:
        raise MalformedRequestError(
            "Le paramètre « {name} » doit être un nombre d'événements.", name=name
        )
    return int(text)
