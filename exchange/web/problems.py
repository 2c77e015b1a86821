"""Errors as problem documents (RFC 9457): a stable type, a detail in the reader's language.

What the product raises on purpose keeps its own words. Anything else becomes "internal error" with
a request id: its message could quote data.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from audit.errors import DisclosureErasedError, LogUnavailableError, NotInLogError
from crypto.errors import (
    BadSignatureError,
    CryptoError,
    ExplainedError,
    MalformedError,
    UntrustedError,
)
from exchange.domain.errors import DomainError
from exchange.usecases import errors as usecase
from exchange.web.context import context, language
from exchange.web.errors import RangeError, WebError
from exchange.web.journal import journal_failure
from exchange.web.pages.shell import page
from exchange.web.routes import HTML

PROBLEM_JSON: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:dossier-exchange:problem:"

RETRY_AFTER_SECONDS: Final = {429: 60, 503: 5}
"""By status. A limit counts over a minute; a restarting broker or a busy lock is back in seconds."""

STATUS: Final[tuple[tuple[type[Exception], int, str | None], ...]] = (
    (usecase.NotFoundError, 404, None),
    (usecase.NotAllowedError, 403, None),
    (usecase.RefusedError, 403, None),
    (usecase.ConflictError, 409, None),
    (usecase.BrokerRefusalError, 409, None),
    (usecase.ExpiredError, 410, None),
    (usecase.TooManyError, 429, None),
    (usecase.UnavailableError, 503, None),
    (usecase.UseCaseError, 400, None),
    (LogUnavailableError, 503, "log-unavailable"),
    (DisclosureErasedError, 410, "erased"),
    (NotInLogError, 404, "not-found"),
    (BadSignatureError, 400, "bad-signature"),
    (UntrustedError, 403, "untrusted"),
    (MalformedError, 400, "malformed"),
    (CryptoError, 400, "malformed"),
    (DomainError, 409, "rule"),
)
"""First match wins. A code of None is the error's own ``code``."""

LABELS: Final[dict[int, str]] = {
    400: "Demande non conforme",
    401: "Connexion nécessaire",
    403: "Demande refusée",
    404: "Contenu introuvable",
    405: "Méthode non prévue",
    409: "Contradiction avec ce qui est enregistré",
    410: "Délai passé",
    411: "Longueur non annoncée",
    413: "Envoi trop volumineux",
    415: "Type de contenu non prévu",
    416: "Partie hors du contenu",
    422: "Clé de répétition déjà employée",
    429: "Trop de demandes",
    500: "Erreur interne",
    503: "Service momentanément indisponible",
}
"""One title a status: what kind of trouble it is, the same at each occurrence (RFC 9457, 3.1.4)."""

HTTP_CODES: Final[dict[int, str]] = {
    400: "invalid-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
}
"""Of the errors that Flask raises itself, by status."""

SENTENCES: Final[dict[int, str]] = {
    400: "La demande n'est pas conforme au protocole HTTP.",
    404: "Il n'y a rien à cette adresse.",
    405: "Cette adresse ne prend pas cette méthode.",
    413: "Cet envoi est trop volumineux.",
    500: "Le service a rencontré une erreur inattendue. Réessayez ; si elle persiste, donnez au "
    "secrétariat la référence {request_id}.",
}
"""What is said of errors that have no words of their own, by status."""


def add_problems(app: Flask) -> None:
    """Answer every error with a problem document."""
    app.register_error_handler(WebError, _web)
    app.register_error_handler(HTTPException, _http)
    for kind, _status, _code in STATUS:
        app.register_error_handler(kind, _expected)
    app.register_error_handler(Exception, _unexpected)


def _web(error: WebError) -> Response:
    response = _problem(error.status, error.code, _explain(error))
    if isinstance(error, RangeError):
        response.headers["Content-Range"] = f"bytes */{error.total}"
    return response


def _expected(error: Exception) -> Response:
    status, fixed = next((s, c) for kind, s, c in STATUS if isinstance(error, kind))
    more = {"reason": error.reason} if isinstance(error, usecase.RefusedError) else {}
    return _problem(status, fixed or str(getattr(error, "code", "error")), _explain(error), **more)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:
        return Response(status=status, headers=error.get_headers())
    known = status if status in HTTP_CODES else 400
    words = context().languages.translate(language(), SENTENCES[known])
    response = _problem(status, HTTP_CODES[known], words)
    if status == 405 and "Allow" in (headers := dict(error.get_headers())):
        response.headers["Allow"] = headers["Allow"]
    return response


def _unexpected(error: Exception) -> Response:
    journal_failure(error)
    words = context().languages.translate(language(), SENTENCES[500])
    return _problem(500, "internal", words.format(request_id=g.get("request_id", "")))


def _explain(error: Exception) -> str:
    if isinstance(error, ExplainedError | DomainError):
        words = context().languages.translate(language(), error.message)
        return words.format(**error.params)
    return context().languages.translate(language(), SENTENCES[400])


def _problem(status: int, code: str, detail: str, **more: Any) -> Response:
    title = LABELS.get(status, LABELS[400 if status < 500 else 500])
    body = {
        "type": TYPE_PREFIX + code,
        "title": context().languages.translate(language(), title),
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    if _is_reader():
        response = page("problem.html", status=status, title=body["title"], detail=detail)
    else:
        text = json.dumps(body, ensure_ascii=False)
        response = Response(text, status, content_type=PROBLEM_JSON)
        response.headers["Content-Language"] = language()
    if status in RETRY_AFTER_SECONDS:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS[status])
    return response


def _is_reader() -> bool:
    """Whether a person's browser asks for a page: programs get the problem document."""
    if request.method != "GET" or request.path.startswith(("/api/", "/log/")):
        return False
    kinds = request.accept_mimetypes
    return (
        HTML.split(";")[0] in kinds.values()
        and kinds.best_match((PROBLEM_JSON, "text/html")) == "text/html"
    )
