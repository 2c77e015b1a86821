"""What every page shares: its frame, its language, and the integrity of its style and script."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Response, render_template, request

from exchange.web.context import context, language
from exchange.web.i18n import ENGLISH, FRENCH
from exchange.web.routes import HTML

STATIC: Final = Path(__file__).parents[1] / "static"
STYLE: Final = "pages.css"
SWITCH: Final = {FRENCH: (ENGLISH, "English"), ENGLISH: (FRENCH, "Français")}
"""The other language, in its own words: whoever needs it reads it."""


def page(template: str, *, script: str | None = None, status: int = 200, **values: Any) -> Response:
    """A page in the reader's language. ``script`` is the name of its bundle under ``dist/``."""
    chosen = language()
    words = context().languages
    text = render_template(
        template,
        language=chosen,
        t=lambda message: words.translate(chosen, message),
        other=SWITCH[chosen],
        here=request.path,
        style_integrity=integrity_of(STYLE),
        scripts=[(name, integrity_of(f"dist/{name}.js")) for name in _scripts(script)],
        integrity=integrity_of,
        **values,
    )
    response = Response(text, status, content_type=HTML)
    response.headers["Content-Language"] = chosen
    return response


def _scripts(script: str | None) -> tuple[str, ...]:
    return () if script is None else (script,)


@cache
def integrity_of(name: str) -> str:
    """The ``integrity`` attribute (SRI) of a static file.

    Scripts have theirs in the bundle's manifest, which is committed and compared with the source by
    CI; a file that does not match it is not run. The style sheet's is of the file as installed.
    """
    if name.startswith("dist/"):
        manifest = json.loads((STATIC / "dist" / "manifest.json").read_text(encoding="utf-8"))
        return str(manifest[name.removeprefix("dist/")]["integrity"])
    digest = hashlib.sha384((STATIC / name).read_bytes()).digest()
    return "sha384-" + base64.b64encode(digest).decode()
