"""The OpenAPI 3.1 document, drawn from the routes' own declarations: it cannot drift from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from exchange.web.problems import PROBLEM_JSON, TYPE_PREFIX
from exchange.web.routes import Answer, Rules, rules_of

VERSION: Final = "1.0.0"
DOCUMENTED: Final = ("/api/", "/log/", "/healthz", "/readyz")
"""Pages for people and static files are not part of the API."""

COOKIE_SCHEME: Final = "login"
_PARAMETER: Final = re.compile(r"<(?:(?P<kind>[a-z]+):)?(?P<name>[a-z_]+)>")

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `type` is stable; `detail` is in the language of Accept-Language.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "pattern": f"^{TYPE_PREFIX}[a-z-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "reason": {"type": "string"},
    },
}


def documented_rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every (rule, method) that the document must hold."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(DOCUMENTED):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def document(app: Flask, server: str, cookie: str) -> dict[str, Any]:
    """The whole document."""
    schemas: dict[str, Any] = {"Problem": PROBLEM_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for rule, method in documented_rules(app):
        view = app.view_functions[rule.endpoint]
        operation = _operation(rule, rules_of(view), view.__doc__ or "", schemas)
        operation["operationId"] = rule.endpoint.replace(".", "_")
        paths.setdefault(path_of(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dossier-exchange",
            "version": VERSION,
            "description": "Sealed dossiers, released per sitting; every access is provable. "
            "Unsafe methods need the header `Origin` with the service's own origin.",
        },
        "servers": [{"url": server}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                COOKIE_SCHEME: {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def path_of(rule: Rule) -> str:
    """A rule in OpenAPI's spelling: ``/deposits/{deposit}``."""
    return _PARAMETER.sub(lambda found: "{" + found["name"] + "}", rule.rule)


def _operation(rule: Rule, rules: Rules, doc: str, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": doc.strip().splitlines()[0] if doc.strip() else rule.endpoint,
        "x-audit-events": [str(event) for event in rules.events],
        "responses": _responses(rules, schemas),
    }
    if rules.silent_because:
        operation["x-audit-no-event"] = rules.silent_because
    if rules.anonymous_because is None:
        operation["security"] = [{COOKIE_SCHEME: []}]
    elif rules.login_optional:
        operation["security"] = [{}, {COOKIE_SCHEME: []}]
    else:
        operation["security"] = []
    parameters = [*_path_parameters(rule), *_other_parameters(rules)]
    if parameters:
        operation["parameters"] = parameters
    if rules.body_limit:
        schema = _schema(rules.body, schemas) if rules.body else {}
        operation["requestBody"] = {
            "required": True,
            "content": {rules.body_type: {"schema": schema}},
        }
    return operation


def _responses(rules: Rules, schemas: dict[str, Any]) -> dict[str, Any]:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    responses: dict[str, Any] = {
        str(answer.status): _success(answer, schemas) for answer in rules.answers
    }
    responses["default"] = {"description": "A problem", "content": {PROBLEM_JSON: problem}}
    return responses


def _success(answer: Answer, schemas: dict[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if answer.media_type:
        schema = _schema(answer.model, schemas) if answer.model else {}
        success["content"] = {answer.media_type.split(";")[0]: {"schema": schema}}
    return success


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for found in _PARAMETER.finditer(rule.rule):
        kind = "integer" if found["kind"] == "int" else "string"
        yield {"name": found["name"], "in": "path", "required": True, "schema": {"type": kind}}


def _other_parameters(rules: Rules) -> Iterator[dict[str, Any]]:
    for name, required, meaning in rules.queries:
        yield {
            "name": name,
            "in": "query",
            "required": required,
            "description": meaning,
            "schema": {"type": "string"},
        }
    if rules.body and (rules.login_optional or not rules.anonymous_because):
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": rules.key_required,
            "description": "The same key and body again have no second effect.",
            "schema": {"type": "string"},
        }


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """A reference to ``model``, which is added to ``schemas`` with all that it uses."""
    template = "#/components/schemas/{model}"
    drawn = model.model_json_schema(ref_template=template, mode="serialization")
    schemas.update(drawn.pop("$defs", {}))
    schemas[model.__name__] = drawn
    return {"$ref": template.format(model=model.__name__)}
