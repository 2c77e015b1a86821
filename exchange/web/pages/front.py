"""The front page: what this is, and where the log and the statement on accessibility are."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from exchange.web.context import context, language
from exchange.web.routes import HTML, anonymous, answers, records_nothing

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
@records_nothing("a page about the product, the same for everybody")
@anonymous("people arrive here before they log in")
@answers(200, media_type=HTML)
def front() -> Response:
    """The front page."""
    words = context().languages
    text = render_template(
        "front.html",
        language=language(),
        t=lambda message: words.translate(language(), message),
        origin=context().settings.origin,
    )
    response = Response(text, content_type=HTML)
    response.headers["Content-Language"] = language()
    return response
