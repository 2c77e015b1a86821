"""The pages that the law or good manners ask for, and ``/.well-known/security.txt`` (RFC 9116)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import Blueprint, Response

from crypto.encoding import format_instant
from exchange.web.accounts import ABSOLUTE_LIMIT, IDLE_LIMIT
from exchange.web.context import context, service
from exchange.web.pages.shell import page
from exchange.web.routes import HTML, TEXT, anonymous, answers, records_nothing

blueprint = Blueprint("legal", __name__)

SECURITY_TXT_DAYS: Final = 180
"""RFC 9116 asks for less than a year; it is made anew at each request, from the settings."""

law = records_nothing("a page about the service, the same for everybody")
for_all = anonymous("the law asks that everybody can read it")


@blueprint.get("/accessibilite")
@law
@for_all
@answers(200, media_type=HTML)
def accessibility() -> Response:
    """The declaration of accessibility (RGAA 4.1.2): not compliant until it was audited."""
    return page("accessibility.html", publisher=context().settings.publisher)


@blueprint.get("/mentions-legales")
@law
@for_all
@answers(200, media_type=HTML)
def legal_notice() -> Response:
    """Who publishes this site."""
    return page("legal.html", publisher=context().settings.publisher)


@blueprint.get("/donnees-personnelles")
@law
@for_all
@answers(200, media_type=HTML)
def personal_data() -> Response:
    """What is kept of whom, how long, and whom to ask."""
    return page(
        "personal_data.html",
        publisher=context().settings.publisher,
        months=context().settings.retention_months,
        idle_minutes=int(IDLE_LIMIT.total_seconds() // 60),
        hours=int(ABSOLUTE_LIMIT.total_seconds() // 3600),
    )


@blueprint.get("/.well-known/security.txt")
@law
@anonymous("whoever finds a weakness must be able to say so")
@answers(200, media_type=TEXT)
def security_txt() -> Response:
    """Where to report a weakness (RFC 9116)."""
    settings = context().settings
    midnight = service().clock().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {settings.security_contact}",
        f"Expires: {format_instant(midnight + timedelta(days=SECURITY_TXT_DAYS))}",
        "Preferred-Languages: fr, en",
        f"Canonical: {settings.public_url}/.well-known/security.txt",
    ]
    return Response("\n".join(lines) + "\n", content_type=TEXT)
