"""What every view may use: the service, the settings and the catalogues of this one application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app, request

from exchange.settings import Settings
from exchange.usecases.release import ReleaseRounds
from exchange.usecases.service import Service
from exchange.web.i18n import ENGLISH, FRENCH, Languages, preferred_language
from exchange.web.readiness import Readiness

EXTENSION: Final = "dossier"


@dataclass(frozen=True)
class WebContext:
    """Made once by ``create_app``; kept by the application, not by a module."""

    service: Service
    settings: Settings
    languages: Languages
    readiness: Readiness
    releases: ReleaseRounds
    """Access requests of this process that come together."""


def context() -> WebContext:
    """The context of the application that answers this request."""
    return cast("WebContext", current_app.extensions[EXTENSION])


def service() -> Service:
    """The service of the application that answers this request."""
    return context().service


LANGUAGE_COOKIE: Final = "langue"
"""The reader's own choice in the pages' language switch; holds ``fr`` or ``en`` and nothing else."""


def language() -> str:
    """The language of this request: the one chosen in the pages, else the browser's preference.

    A client that is no page sends no such cookie, and gets what its ``Accept-Language`` asks for.
    """
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in {FRENCH, ENGLISH}:
        return chosen
    return preferred_language(request.accept_languages)
