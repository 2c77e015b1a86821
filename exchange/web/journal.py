"""What the process says of itself: one JSON object a line, on standard error.

For operators, and apart from the audit log. No line holds personal data: a request appears as the
*pattern* of its route (``/api/v1/sittings/<sitting>``), never with what stood in the path, the query,
the body or the headers; an unexpected error appears as its type and place, never with its message
(a database error quotes the values it was given).
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, g, has_request_context, request

LOGGER_NAME: Final = "dossier"
REQUEST_ID_BYTES: Final = 9
"""72 random bits, 12 characters: enough to tell one day's requests apart."""

MAX_FRAMES: Final = 12
"""The innermost frames of an unexpected error; the outer ones are the framework's."""


class JsonLines(logging.Formatter):
    """One JSON object a line. Only known fields, and an error's type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        fields: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            # The template alone: what another library would fill in may be an address or a path.
            "event": str(record.msg),
        }
        fields |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
            fields["where"] = _frames(record.exc_info[2])
        return json.dumps(fields, ensure_ascii=False)


def configure_journal() -> logging.Logger:
    """Send this process's journal to standard error; the frameworks' own loggers are left out."""
    logger = logging.getLogger(LOGGER_NAME)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(logging.INFO)
    return logger


def journal_requests(app: Flask, entropy: Callable[[int], bytes]) -> None:
    """Write one line for each request."""
    logger = logging.getLogger(LOGGER_NAME)

    @app.before_request
    def begin() -> None:
        g.request_id = entropy(REQUEST_ID_BYTES).hex()
        g.began = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        logger.info("request", extra={"fields": _request_fields(response)})
        return response


def journal_failure(error: BaseException) -> None:
    """Write where an unexpected error came from, in a request or outside of any."""
    fields = {}
    if has_request_context():
        fields = {"request_id": g.get("request_id", ""), "route": _route()}
    logging.getLogger(LOGGER_NAME).error(
        "failure",
        extra={"fields": fields},
        exc_info=(type(error), error, error.__traceback__),
    )


def _request_fields(response: Response) -> dict[str, Any]:
    began = g.get("began")
    return {
        "request_id": g.get("request_id", ""),
        "method": request.method,
        "route": _route(),
        "status": response.status_code,
        "octets": response.content_length,
        "ms": round((time.monotonic() - began) * 1000, 1) if began is not None else None,
    }


def _route() -> str | None:
    """The pattern, which names nobody; a path that fits no pattern is not written at all."""
    return request.url_rule.rule if request.url_rule else None


def _frames(trace: Any) -> list[str]:
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
