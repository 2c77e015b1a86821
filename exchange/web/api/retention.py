"""What a retention may erase now: for the registrar who signs it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from audit.events import EventType
from crypto.encoding import parse_dossier_reference
from exchange.usecases.retention import erasable
from exchange.web.accounts import caller
from exchange.web.answers import json_answer
from exchange.web.context import service
from exchange.web.forms import ErasableAnswer
from exchange.web.routes import answers, query, records

blueprint = Blueprint("retention", __name__, url_prefix="/api/v1")


@blueprint.get("/retention")
@records(EventType.ROSTER_READ)
@query("dossier", "only the entries about this dossier")
@answers(200, ErasableAnswer)
def retention() -> Response:
    """The entries at the end of their retention, attested, and of no registry event."""
    dossier = request.args.get("dossier")
    found = erasable(
        service(), caller(), parse_dossier_reference(dossier) if dossier is not None else None
    )
    return json_answer(ErasableAnswer(ranges=found.ranges, unattested=found.unattested))
