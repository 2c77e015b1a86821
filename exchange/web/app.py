"""The application: what is registered, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping

from flask import Flask

from exchange.settings import Settings, read_cookie_secret
from exchange.usecases.release import release_rounds
from exchange.usecases.service import Service
from exchange.web.accounts import add_accounts
from exchange.web.api import (
    contact,
    deposits,
    health,
    log,
    login,
    releases,
    retention,
    statements,
)
from exchange.web.context import EXTENSION, WebContext
from exchange.web.forms import MAX_ENVELOPES_BODY
from exchange.web.guard import add_guard
from exchange.web.headers import add_headers
from exchange.web.i18n import Languages
from exchange.web.journal import journal_requests
from exchange.web.pages import legal, work
from exchange.web.problems import add_problems
from exchange.web.readiness import Probe, Readiness, service_probes
from exchange.web.throttle import Throttle


def create_app(
    service: Service, settings: Settings, probes: Mapping[str, Probe] | None = None
) -> Flask:
    """The WSGI application over ``service``. ``probes``: further checks of ``/readyz``."""
    app = Flask(__name__, static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = max(service.limits.part_bytes, MAX_ENVELOPES_BODY)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    readiness = Readiness({**service_probes(service), **(probes or {})}, time.monotonic)
    app.extensions[EXTENSION] = WebContext(
        service, settings, Languages.load(), readiness, release_rounds(service)
    )
    journal_requests(app, service.entropy)
    secret = read_cookie_secret(settings)
    add_accounts(app, service, secret, secure=settings.secure)
    add_problems(app)
    add_headers(app, secure=settings.secure)
    for module in (health, work, legal, login, contact, statements, deposits, releases, retention):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(log.files)
    app.register_blueprint(log.proofs)
    add_guard(app, Throttle(service, secret))
    return app
