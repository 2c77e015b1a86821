"""Releases, and the payloads that follow them."""

from __future__ import annotations

from flask import Blueprint, Response, request, stream_with_context

from audit.events import EventType
from crypto.encoding import encode_base64
from exchange.usecases.read_payload import read_payload
from exchange.usecases.release import Opened, Refusal
from exchange.usecases.release_judging import asked_by
from exchange.web.accounts import caller
from exchange.web.answers import json_answer
from exchange.web.bodies import read_json
from exchange.web.context import context, language, service
from exchange.web.forms import (
    MAX_STATEMENT_BODY,
    AttestedAnswer,
    RefusalItem,
    ReleaseForm,
    ReleaseItem,
    ReleasesAnswer,
)
from exchange.web.ranges import requested_span
from exchange.web.routes import OCTETS, answers, records, takes

blueprint = Blueprint("releases", __name__, url_prefix="/api/v1")


@blueprint.post("/releases")
@records(
    EventType.RELEASE_AUTHORISED,
    EventType.RELEASE_REFUSED,
    EventType.RELEASE_FAILED,
)
@takes(ReleaseForm, MAX_STATEMENT_BODY)
@answers(200, ReleasesAnswer)
def ask() -> Response:
    """Answer a signed access request, deposit by deposit.

    The request's own digest is the key under which a retry finds its answer: it presents the same
    index under a newer checkpoint, which a stored answer could not.
    """
    form = read_json(ReleaseForm, MAX_STATEMENT_BODY)
    done = context().releases.join(asked_by(caller(), form.request.encode()))
    return json_answer(
        ReleasesAnswer(
            releases=tuple(_opened(each) for each in done.opened),
            refusals=tuple(_refused(each) for each in done.refused),
        )
    )


def _opened(item: Opened) -> ReleaseItem:
    return ReleaseItem(
        deposit=item.deposit,
        manifest=AttestedAnswer.of(item.manifest),
        grant=AttestedAnswer.of(item.grant) if item.grant else None,
        header=encode_base64(item.header),
        receipt=item.receipt.decode(),
    )


def _refused(item: Refusal) -> RefusalItem:
    words = context().languages.translate(language(), item.message)
    return RefusalItem(
        deposit=item.deposit,
        reason=item.reason,
        message=words.format(**item.params),
        receipt=item.receipt.decode(),
    )


@blueprint.get("/deposits/<deposit>/payload")
@records(EventType.PAYLOAD_READ)
@answers(206, media_type=OCTETS)
@answers(200, media_type=OCTETS)
def payload(deposit: str) -> Response:
    """The ciphertext of a deposit released to this login; one range may be asked for."""
    found = read_payload(service(), caller(), deposit)
    span = requested_span(request.headers.get("Range"), found.length)
    if span is None:
        body, status, length = found.read(), 200, found.length
    else:
        body, status, length = found.read(span.first, span.length), 206, span.length
    response = Response(stream_with_context(body), status, content_type=OCTETS)
    response.headers["Content-Length"] = str(length)
    response.headers["Accept-Ranges"] = "bytes"
    if span is not None:
        response.headers["Content-Range"] = span.content_range
    return response
