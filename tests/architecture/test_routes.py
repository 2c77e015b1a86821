"""Every route says what it records and who may call it, and is held to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from audit.events import EventType
from exchange.web.openapi import documented_rules, path_of
from exchange.web.routes import rules_of
from tests.support.live_service import API, URL, LiveService

ANONYMOUS = {
    "/",
    "/rejoindre",
    "/espace",
    "/langue/<chosen>/<name>",
    "/textes/en.json",
    "/hors-ligne.js",
    "/accessibilite",
    "/mentions-legales",
    "/donnees-personnelles",
    "/.well-known/security.txt",
    "/static/<path:filename>",
    "/healthz",
    "/readyz",
    "/log/checkpoint",
    f"{API}/log/consistency",
    f"{API}/openapi.json",
    f"{API}/trust",
    f"{API}/login/challenge",
    f"{API}/login",
    f"{API}/logout",
    f"{API}/invitations/<invitation>/enrolment",
    f"{API}/statements",  # the first trust policy alone: see test_api_statements
}
"""Everything that answers without a login. A new line here is a decision, and needs its reason."""

AGREED = {
    ("POST", "/login/challenge"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/invitations/{invitation}/enrolment"),
    ("POST", "/statements"),
    ("GET", "/statements"),
    ("GET", "/statements/{digest}"),
    ("GET", "/deposits/{deposit}/releases"),
    ("GET", "/contact"),
    ("GET", "/retention"),
    ("PUT", "/contact"),
    ("GET", "/trust"),
    ("GET", "/status"),
    ("GET", "/sittings"),
    ("GET", "/sittings/{sitting}"),
    ("GET", "/receipts/{index}"),
    ("GET", "/disclosures"),
    ("GET", "/broker/record"),
    ("POST", "/deposits"),
    ("PUT", "/deposits/{deposit}/parts/{number}"),
    ("POST", "/deposits/{deposit}/commit"),
    ("POST", "/deposits/{deposit}/envelopes"),
    ("POST", "/deposits/{deposit}/release-key"),
    ("POST", "/releases"),
    ("GET", "/deposits/{deposit}/payload"),
    ("GET", "/log/consistency"),
}
"""The routes that clients rely on, under /api/v1."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    live = LiveService(tmp_path_factory.mktemp("routes"))
    yield live.app
    live.shut()


def routes(app: Flask) -> list[tuple[Rule, str]]:
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    assert len(found) > 25
    return found


def example(rule: Rule) -> str:
    """A path that fits the rule and names nothing that exists."""
    return re.sub(r"<(?:(\w+):)?\w+>", lambda m: "7" if m[1] == "int" else "a" * 26, rule.rule)


def call(app: Flask, rule: Rule, method: str, **headers: str) -> Any:
    body = {} if method == "GET" else {"json": {}}
    client = app.test_client()
    return client.open(example(rule), method=method, base_url=URL, headers=headers, **body)


def test_every_route_declares_its_event_or_why_it_has_none(app: Flask) -> None:
    """A route says which events it records, or why none; never both, never an empty reason."""
    for rule, _method in routes(app):
        rules = rules_of(app.view_functions[rule.endpoint])
        assert bool(rules.events) != bool(rules.silent_because), rule.rule


def test_every_event_comes_from_a_route(app: Flask) -> None:
    """No type of event is left that no route declares."""
    declared = {
        event
        for rule, _method in routes(app)
        for event in rules_of(app.view_functions[rule.endpoint]).events
    }
    assert declared == set(EventType)


def test_the_anonymous_routes_are_the_agreed_ones(app: Flask) -> None:
    """Exactly the agreed routes answer without a login, each with a reason."""
    anonymous = {
        rule.rule
        for rule, _method in routes(app)
        if rules_of(app.view_functions[rule.endpoint]).anonymous_because
    }
    assert anonymous == ANONYMOUS


def test_everything_else_refuses_without_a_login(app: Flask) -> None:
    """Each other route answers 401 to a stranger, whatever the path names."""
    refused = [
        (rule.rule, method)
        for rule, method in routes(app)
        if not rules_of(app.view_functions[rule.endpoint]).anonymous_because
        and call(app, rule, method, Origin=URL).status_code == 401
    ]
    private = [
        (rule.rule, method)
        for rule, method in routes(app)
        if not rules_of(app.view_functions[rule.endpoint]).anonymous_because
    ]
    assert refused == private
    assert len(private) > 10


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://dossiers.example.evil.example"},
        {"Origin": "http://dossiers.example"},
        {"Origin": f"{URL}:443"},
        {"Referer": f"{URL}/"},
    ],
)
def test_unsafe_requests_come_from_our_own_origin(app: Flask, headers: dict[str, str]) -> None:
    """No route acts on an unsafe request without exactly our Origin, login or not."""
    unsafe = [(rule, method) for rule, method in routes(app) if method != "GET"]
    assert len(unsafe) > 8
    for rule, method in unsafe:
        response = call(app, rule, method, **headers)
        assert (response.status_code, response.json["code"]) == (403, "foreign-origin"), rule.rule


def test_a_view_that_declares_nothing_is_never_served(tmp_path: Path) -> None:
    """Somebody who forgets the declaration gets a refusal, not an unrecorded access."""
    live = LiveService(tmp_path)
    live.app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "secret")
    response = live.app.test_client().get("/api/v1/forgotten", base_url=URL)
    assert response.status_code == 403
    assert b"secret" not in response.data
    live.shut()


def test_the_agreed_routes_are_there(app: Flask) -> None:
    """Every route that clients rely on exists, and no further one slipped in undocumented."""
    here = {
        (method, path_of(rule).removeprefix(API))
        for rule, method in routes(app)
        if rule.rule.startswith(API)
    }
    assert here - {("GET", "/openapi.json")} == AGREED


def test_each_route_is_in_the_document(app: Flask) -> None:
    """The OpenAPI document holds every route of the interface with its answers, and no other."""
    drawn = app.test_client().get(f"{API}/openapi.json", base_url=URL).json
    assert drawn["openapi"] == "3.1.0"
    documented = {
        (path, method) for path, operations in drawn["paths"].items() for method in operations
    }
    assert documented == {(path_of(rule), method.lower()) for rule, method in documented_rules(app)}
    for path, method in documented:
        operation = drawn["paths"][path][method]
        assert any(status.startswith("2") for status in operation["responses"]), path
        assert "default" in operation["responses"]
        assert bool(operation["x-audit-events"]) != ("x-audit-no-event" in operation)
        needs_body = method in {"post", "put"}
        assert ("requestBody" in operation) == needs_body


def test_the_document_refers_only_to_itself(app: Flask) -> None:
    """Every reference of the document resolves, and operation ids are unique."""
    drawn = app.test_client().get(f"{API}/openapi.json", base_url=URL).json
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(drawn)))
    assert references
    for reference in references:
        step: Any = drawn
        for name in reference.removeprefix("#/").split("/"):
            step = step[name]
        assert step
    ids = [op["operationId"] for path in drawn["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids))


def test_every_answer_carries_the_security_headers(app: Flask) -> None:
    """Successes, refusals and unknown paths alike forbid framing, sniffing, scripts and caching."""
    for rule, method in routes(app):
        response = call(app, rule, method, Origin=URL)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), rule.rule
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "Server" not in response.headers
    missing = app.test_client().get("/nowhere", base_url=URL)
    assert missing.status_code == 404
    assert missing.headers["Cache-Control"] == "no-store"
