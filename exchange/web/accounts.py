"""Logins as Flask-Login holds them: who is calling, for how long, and in which cookie.

The cookie says only which certificate (or registrar's key) proved itself, when, and when it was
last seen; it is authenticated, and worth nothing else. Whether that certificate still counts is
asked at every request, so a revocation ends its logins at once, on every worker.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user

from crypto.digests import Digest, parse_digest
from crypto.errors import MalformedError
from exchange.settings import CookieSecret
from exchange.usecases.caller import current_caller
from exchange.usecases.service import Caller, Service
from exchange.web.errors import LoginRequiredError

IDLE_LIMIT: Final = timedelta(minutes=30)
"""A login that asked for nothing for this long is over: people walk away from shared desks."""

ABSOLUTE_LIMIT: Final = timedelta(hours=10)
"""A login is over after a working day, however busy: a stolen cookie does not live on."""

SEEN_STEP: Final = timedelta(minutes=1)
"""The cookie is renewed at most this often, and not with every part of an upload."""

SECURE_COOKIE: Final = "__Host-dossier"
"""The prefix makes browsers refuse the cookie unless Secure, host-only and for the whole path."""

PLAIN_COOKIE: Final = "dossier"
"""Without TLS (this machine alone) browsers refuse the prefix."""

_CERTIFICATE: Final = "certificate"
_KEY: Final = "key"


class Visitor(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """A logged-in caller, as Flask-Login wants it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def get_id(self) -> str:
        """Which key this login proved: what the cookie holds."""
        if self.caller.certificate is not None:
            return f"{_CERTIFICATE}:{self.caller.certificate}"
        return f"{_KEY}:{self.caller.key}"


class CookieSessions(SecureCookieSessionInterface):
    """Flask's authenticated cookies with HMAC-SHA-256 (its default is HMAC-SHA-1)."""

    digest_method = staticmethod(hashlib.sha256)
    key_derivation = "hmac"
    salt = "dossier-exchange/login"


def add_accounts(app: Flask, service: Service, secret: CookieSecret, *, secure: bool) -> None:
    """Set up cookies and the look-up of who is calling."""
    app.secret_key = secret.reveal()
    app.session_interface = CookieSessions()
    app.config.update(
        SESSION_COOKIE_NAME=SECURE_COOKIE if secure else PLAIN_COOKIE,
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=ABSOLUTE_LIMIT,
    )
    manager = LoginManager()
    # Flask-Login's own binding to address and browser ends the logins of people on mobile networks
    # and adds nothing that a thief of a cookie on the same network would lack.
    manager.session_protection = None
    manager.init_app(app, add_context_processor=False)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(identity: str) -> Visitor | None:
        return _load(service, identity)


def log_in(caller: Caller, now: datetime) -> None:
    """Begin a login in a fresh cookie (no value from before it survives)."""
    session.clear()
    session["since"] = session["seen"] = int(now.timestamp())
    login_user(Visitor(caller))


def log_out() -> None:
    """End this browser's login."""
    session.clear()


def caller() -> Caller:
    """Who is calling; raises LoginRequiredError."""
    found = optional_caller()
    if found is None:
        raise LoginRequiredError(
            "Cette demande exige une connexion, ou la vôtre a pris fin : connectez-vous de nouveau."
        )
    return found


def optional_caller() -> Caller | None:
    """Who is calling, None without a login."""
    return cast("Visitor", current_user).caller if current_user.is_authenticated else None


def _load(service: Service, identity: str) -> Visitor | None:
    now = service.clock()
    if not _alive(now):
        session.clear()
        return None
    certificate, key = _parse(identity)
    found = current_caller(service, certificate=certificate, key=key)
    return Visitor(found) if found is not None else None


def _alive(now: datetime) -> bool:
    since, seen = _instant("since"), _instant("seen")
    if since is None or seen is None:
        return False
    if now >= since + ABSOLUTE_LIMIT or now >= seen + IDLE_LIMIT:
        return False
    if now >= seen + SEEN_STEP:
        session["seen"] = int(now.timestamp())
    return True


def _instant(name: str) -> datetime | None:
    value = session.get(name)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None


def _parse(identity: str) -> tuple[Digest | None, Digest | None]:
    kind, _, text = identity.partition(":")
    try:
        digest = parse_digest(text)
    except MalformedError:
        return None, None
    return (digest, None) if kind == _CERTIFICATE else (None, digest)
