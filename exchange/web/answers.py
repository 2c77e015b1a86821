"""Answers of the API."""

from __future__ import annotations

import json

from flask import Response
from pydantic import BaseModel

from exchange.web.routes import JSON, TEXT


def json_answer(model: BaseModel, status: int = 200) -> Response:
    """``model`` as compact JSON."""
    body = json.dumps(model.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, content_type=JSON)


def text_answer(data: bytes, cache: str | None = None) -> Response:
    """Plain UTF-8 text: notes, proofs."""
    response = Response(data, content_type=TEXT)
    if cache:
        response.headers["Cache-Control"] = cache
    return response


def no_content() -> Response:
    """Done, and nothing to say."""
    return Response(status=204)
