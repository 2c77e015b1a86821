"""The security headers of every answer, in one place."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from exchange.web.routes import HTML

API_POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Nothing that the API serves is a document: a browser that shows one runs and loads nothing."""

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types dossier"
)
"""Pages load what this origin serves as a file: no inline code, no ``eval``, no other origin.

``dossier`` is the one Trusted Types policy (``frontend/pages/parts/trusted.ts``): it lets through the
addresses of our own workers and reader and nothing else. Forms are read by the script and sent as
signed statements, so the browser itself submits none.
"""

OFFLINE_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Of the service worker's own script: it asks this origin for the shell's files, and nobody else."""

EVERYWHERE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

HSTS_SECONDS: Final = 63_072_000
"""Two years, the usual minimum of preload lists."""


def add_headers(app: Flask, *, secure: bool) -> None:
    """Add the headers to every answer, errors included."""

    @app.after_request
    def headers(response: Response) -> Response:
        page = response.content_type == HTML
        policy = PAGE_POLICY if page else API_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        for name, value in EVERYWHERE.items():
            response.headers[name] = value
        if secure:
            response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
        # What is not said to be cacheable is kept nowhere: neither by a proxy nor on a shared PC.
        response.headers.setdefault("Cache-Control", "no-store")
        if request.endpoint != "static":
            response.headers.add("Vary", "Accept-Language, Cookie")
        return response
