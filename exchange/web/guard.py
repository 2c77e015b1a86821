"""What happens before every view: default deny.

A route is served only if it declares what it records; only with a login unless it declares why not;
an unsafe method only from our own origin.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app, request
from flask_login import current_user

from exchange.web.context import context
from exchange.web.errors import (
    ForeignOriginError,
    LoginRequiredError,
    TooManyRequestsError,
    UndeclaredRouteError,
)
from exchange.web.routes import Rules, anonymous, answers, records_nothing, rules_of
from exchange.web.throttle import Throttle

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def add_guard(app: Flask, throttle: Throttle) -> None:
    """Check every request; and declare Flask's own view of static files."""
    static = app.view_functions["static"]

    # Flask makes this view itself, so its declaration is written here.
    @records_nothing("style sheet and images of the product, the same for everybody")
    @anonymous("needed to show the front page")
    @answers(200, media_type="text/css")
    def serve_static(filename: str) -> object:
        return static(filename=filename)

    app.view_functions["static"] = serve_static  # type: ignore[assignment]

    @app.before_request
    def guard() -> None:
        if request.endpoint is None:
            return  # no such route: 404 or 405, whoever asks
        rules = rules_of(current_app.view_functions.get(request.endpoint))
        _require_declaration(rules)
        if request.method not in SAFE_METHODS:
            _require_own_origin()
            if rules.anonymous_because and not throttle.allows(request.remote_addr or ""):
                raise TooManyRequestsError(
                    "Trop de demandes en une minute depuis cette adresse : patientez une minute."
                )
        if rules.anonymous_because is None:
            _require_login()


def _require_declaration(rules: Rules) -> None:
    if not rules.declared:
        raise UndeclaredRouteError("Cette adresse n'est pas servie.")


def _require_own_origin() -> None:
    """``SameSite=Strict`` and this check each stop a foreign page from acting under a login."""
    if request.headers.get("Origin") != context().settings.public_url:
        raise ForeignOriginError(
            "Cette demande ne vient pas de {origin} (en-tête Origin) : elle est refusée.",
            origin=context().settings.public_url,
        )


def _require_login() -> None:
    if not current_user.is_authenticated:
        raise LoginRequiredError(
            "Cette demande exige une connexion, ou la vôtre a pris fin : connectez-vous de nouveau."
        )
