"""What every view may use: the service, the settings and the catalogues of this one application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app, request

from exchange.settings import Settings
from exchange.usecases.service import Service
from exchange.web.i18n import Languages, preferred_language
from exchange.web.readiness import Readiness

EXTENSION: Final = "dossier"


@dataclass(frozen=True)
class WebContext:
    """Made once by ``create_app``; kept by the application, not by a module."""

    service: Service
    settings: Settings
    languages: Languages
    readiness: Readiness


def context() -> WebContext:
    """The context of the application that answers this request."""
    return cast("WebContext", current_app.extensions[EXTENSION])


def service() -> Service:
    """The service of the application that answers this request."""
    return context().service


def language() -> str:
    """The language of this request."""
    return preferred_language(request.accept_languages)
