"""Default deny: every route says what it records, and answers nobody whom it does not know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from audit.events import EventType
from exchange.web.guard import SAFE_METHODS
from exchange.web.routes import Rules, rules_of
from tests.support.instance import PUBLIC_URL, wired_instance

BY_NO_ROUTE = {EventType.PURGE_DONE, EventType.RETENTION_APPLIED}
"""Done by commands of the operator, not by a request."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    wired = wired_instance(tmp_path_factory.mktemp("instance"))
    yield wired.application()
    wired.close()


def routes(app: Flask) -> list[tuple[Rule, str, Rules]]:
    found = [
        (rule, method, rules_of(app.view_functions[rule.endpoint]))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    ]
    assert len(found) > 20
    return found


def url(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        for kind in ("", "int:", "path:"):
            path = path.replace(f"<{kind}{name}>", "1" if kind == "int:" else "a")
    return path


def test_every_route_declares_what_it_records(app: Flask) -> None:
    """Each route names its audit events, or the reason why it leaves none."""
    assert [rule.rule for rule, _, rules in routes(app) if not rules.declared] == []


def test_every_event_has_a_route(app: Flask) -> None:
    """No kind of event of the design is forgotten by the routes."""
    recorded = {event for _, _, rules in routes(app) for event in rules.events}
    assert recorded == set(EventType) - BY_NO_ROUTE


def test_no_route_answers_a_stranger(app: Flask) -> None:
    """Without a login each route that is not declared anonymous answers 401."""
    client = app.test_client()
    for rule, method, rules in routes(app):
        if rules.anonymous_because is None:
            answer = client.open(url(rule), method=method, headers={"Origin": PUBLIC_URL})
            assert answer.status_code == 401, rule.rule
            assert answer.mimetype == "application/problem+json"


def test_only_the_agreed_routes_are_anonymous(app: Flask) -> None:
    """Nothing becomes public by mistake: the list is written here once more."""
    assert {rule.rule for rule, _, rules in routes(app) if rules.anonymous_because} == {
        "/",
        "/api/v1/invitations/<invitation>/enrolment",
        "/api/v1/log/consistency",
        "/api/v1/login",
        "/api/v1/login/challenge",
        "/api/v1/logout",
        "/api/v1/openapi.json",
        "/api/v1/statements",
        "/api/v1/trust",
        "/healthz",
        "/log/checkpoint",
        "/readyz",
        "/static/<path:filename>",
    }


def test_anonymous_statements_are_refused_but_for_the_first_policy(app: Flask) -> None:
    """``POST /statements`` is open for entry 0 alone: anything else needs a login."""
    client = app.test_client()
    answer = client.get("/api/v1/statements?type=roster")
    assert answer.status_code == 401


def test_unsafe_methods_need_our_own_origin(app: Flask) -> None:
    """A request from a foreign page is refused before anything is read of it."""
    client = app.test_client()
    for rule, method, _ in routes(app):
        if method not in SAFE_METHODS:
            for origin in (None, "https://evil.example"):
                headers = {"Origin": origin} if origin else {}
                answer = client.open(url(rule), method=method, headers=headers)
                assert answer.status_code == 403, rule.rule


def test_every_route_is_in_the_openapi_document(app: Flask) -> None:
    """The served description names each path of the API."""
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    described = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    for rule, _, _ in routes(app):
        plain = rule.rule.replace("int:", "").replace("path:", "")
        if plain.startswith("/api/v1"):
            assert any(plain.endswith(path) for path in described), plain


def test_errors_are_french_by_default(app: Flask) -> None:
    """RFC 9457 errors have a stable type, and speak French."""
    refused = app.test_client().get("/api/v1/sittings").get_json()
    assert refused["type"] == "urn:dossier-exchange:problem:login-required"
    assert "connexion" in refused["detail"]
