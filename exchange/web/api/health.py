"""Is the process alive; can it answer; what does it offer."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, current_app, jsonify

from exchange.usecases.broker_wire import Custody
from exchange.web.answers import json_answer
from exchange.web.context import context
from exchange.web.forms import HealthAnswer, ReadyAnswer
from exchange.web.openapi import document
from exchange.web.readiness import OK, UNAVAILABLE
from exchange.web.routes import JSON, anonymous, answers, records_nothing

OPERATIONS: Final = "for the operator's monitoring; says nothing of anybody"

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@records_nothing(OPERATIONS)
@anonymous(OPERATIONS)
@answers(200, HealthAnswer)
def healthz() -> Response:
    """The process answers."""
    return json_answer(HealthAnswer(status=OK, checks={}))


@blueprint.get("/readyz")
@records_nothing(OPERATIONS)
@anonymous(OPERATIONS)
@answers(200, ReadyAnswer)
@answers(503, ReadyAnswer)
def readyz() -> Response:
    """Database, objects, log and broker answer."""
    checks = context().readiness.checks()
    ready = all(state == OK for state in checks.values())
    custody = Custody.SEPARATE if context().settings.broker_url else Custody.IN_PROCESS
    answer = ReadyAnswer(status=OK if ready else UNAVAILABLE, checks=checks, broker=custody.value)
    return json_answer(answer, 200 if ready else 503)


@blueprint.get("/api/v1/openapi.json")
@records_nothing("the description of the interface, the same for everybody")
@anonymous("a program reads it before it can log in")
@answers(200, media_type=JSON)
def openapi() -> Response:
    """The description of every route, in OpenAPI 3.1."""
    drawn = document(
        current_app._get_current_object(),  # type: ignore[attr-defined]  # noqa: SLF001
        context().settings.public_url,
        str(current_app.config["SESSION_COOKIE_NAME"]),
    )
    response = jsonify(drawn)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
