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
        imported=[file for name in _scripts(script) for file in imports_of(name)],
        files_of=lambda role: [(f"{role}.js", integrity_of(f"dist/{role}.js")), *imports_of(role)],
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
        return str(_manifest()[name.removeprefix("dist/")]["integrity"])
    digest = hashlib.sha384((STATIC / name).read_bytes()).digest()
    return "sha384-" + base64.b64encode(digest).decode()


def imports_of(script: str) -> list[tuple[str, str]]:
    """The files that a script imports, each with its own integrity: the script's does not cover them."""
    names = _manifest()[f"{script}.js"].get("imports", ())
    return [(str(name), integrity_of(f"dist/{name}")) for name in names]


@cache
def _manifest() -> dict[str, Any]:
    """What the build said of each file; committed with them."""
    text = (STATIC / "dist" / "manifest.json").read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest
