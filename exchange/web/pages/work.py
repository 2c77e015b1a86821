"""The pages where people work: front, joining, the person's own space; and the language switch.

They are shells: structure and translated text. All that they show of the commission (names, seats,
states) is put in by the page's script from statements that it verified, in the reader's browser, with
a key that never leaves it. The server therefore renders the same page for everybody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, redirect

from exchange.usecases.errors import NotFoundError
from exchange.web.context import LANGUAGE_COOKIE, context
from exchange.web.headers import OFFLINE_POLICY
from exchange.web.i18n import ENGLISH, LOCALE_DIRECTORY
from exchange.web.pages.shell import STATIC, SWITCH, page
from exchange.web.routes import HTML, JSON, anonymous, answers, records_nothing

blueprint = Blueprint("pages", __name__)

PAGES: Final = {
    "accueil": "/",
    "rejoindre": "/rejoindre",
    "espace": "/espace",
    "accessibilite": "/accessibilite",
    "mentions-legales": "/mentions-legales",
    "donnees-personnelles": "/donnees-personnelles",
}
"""Where the language switch may lead back to: our own pages, by name, and no other address."""

SCRIPT: Final = "text/javascript; charset=utf-8"

LANGUAGE_SECONDS: Final = 365 * 86_400
"""A year; the choice is not about a person and tells nobody apart."""

PAGE_MESSAGES: Final = LOCALE_DIRECTORY / ENGLISH / "pages.json"

same_for_all = records_nothing("a page without any data of the commission, the same for everybody")


@blueprint.get("/")
@same_for_all
@anonymous("people arrive here before they log in")
@answers(200, media_type=HTML)
def front() -> Response:
    """What this is, and where to go."""
    settings = context().settings
    separate = settings.broker_url is not None
    return page("front.html", script="front", origin=settings.origin, separate_broker=separate)


@blueprint.get("/rejoindre")
@same_for_all
@anonymous("an invited person has no login yet")
@answers(200, media_type=HTML)
def join() -> Response:
    """From an invitation to a key of one's own."""
    return page("join.html", script="join")


@blueprint.get("/espace")
@same_for_all
@anonymous("the key that logs in is unlocked on this page")
@answers(200, media_type=HTML)
def space() -> Response:
    """Where everybody works, once their key is unlocked."""
    decrypted = context().settings.decrypted_download
    return page("space.html", script="space", decrypted=decrypted)


@blueprint.get("/langue/<chosen>/<name>")
@same_for_all
@anonymous("everybody may choose a language")
@answers(302)
def switch_language(chosen: str, name: str) -> Response:
    """Remember the language and go back to the page."""
    if chosen not in SWITCH or name not in PAGES:
        raise NotFoundError("Il n'y a rien à cette adresse.")
    response = redirect(PAGES[name])
    response.set_cookie(
        LANGUAGE_COOKIE,
        chosen,
        max_age=LANGUAGE_SECONDS,
        secure=context().settings.secure,
        httponly=True,
        samesite="Strict",
    )
    return response  # type: ignore[return-value]


@blueprint.get("/hors-ligne.js")
@same_for_all
@anonymous("a script of the pages, the same for everybody")
@answers(200, media_type=SCRIPT)
def offline_script() -> Response:
    """The service worker: at the root, because its reach is the folder that it stands in."""
    script = (STATIC / "dist" / "offline.js").read_text(encoding="utf-8")
    response = Response(script, content_type=SCRIPT)
    response.headers["Content-Security-Policy"] = OFFLINE_POLICY
    return response


@blueprint.get("/textes/en.json")
@same_for_all
@anonymous("the joining page needs it")
@answers(200, media_type=JSON)
def english_messages() -> Response:
    """The English of the messages that the pages' scripts show; French needs none."""
    return Response(_read(PAGE_MESSAGES), content_type=JSON)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else json.dumps({})
