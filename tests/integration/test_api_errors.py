"""What is wrong is said as a problem document (RFC 9457), in the reader's language, leaking nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.web.problems import LABELS, STATUS
from exchange.web.routes import anonymous, records_nothing
from tests.support.live_service import API, URL, LiveService, get, post

SECRET = "Prudence Exemplaire, 12 rue de la Fiction"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    live = LiveService(tmp_path_factory.mktemp("errors"))

    @records_nothing("a fault planted by a test")
    @anonymous("a fault planted by a test")
    def broken() -> str:
        raise RuntimeError(SECRET)

    live.app.add_url_rule("/api/v1/broken/<name>", "broken", lambda name: broken())
    live.app.view_functions["broken"].dossier_rules = broken.dossier_rules  # type: ignore[attr-defined]
    yield live.app
    live.shut()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def raw(client: FlaskClient, body: bytes, kind: str = "application/json") -> object:
    headers = {"Origin": URL, "Content-Type": kind}
    return client.post(f"{API}/login", data=body, base_url=URL, headers=headers)


def test_a_problem_has_the_agreed_form(client: FlaskClient) -> None:
    """Type, title, status, detail and code; French unless English is preferred."""
    response = get(client, f"{API}/sittings")
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.headers["Content-Language"] == "fr"
    problem = json.loads(response.data)
    assert problem["type"] == "urn:dossier-exchange:problem:login-required"
    assert problem["code"] == "login-required"
    assert problem["status"] == 401
    assert problem["title"] == "Connexion nécessaire"
    assert "connectez-vous" in problem["detail"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en", "en"),
        ("en-GB,fr;q=0.5", "en"),
        ("fr,en;q=0.9", "fr"),
        ("fr-FR,en;q=0.9", "fr"),
        ("en;q=0,de", "fr"),
        ("de,en;q=0.5", "en"),
        ("de", "fr"),
        ("", "fr"),
        ("*", "fr"),
        ("nonsense;;q=x", "fr"),
    ],
)
def test_the_language_is_the_readers(client: FlaskClient, accepted: str, language: str) -> None:
    """Accept-Language chooses between the two languages; French where it chooses neither."""
    response = get(client, f"{API}/sittings", headers={"Accept-Language": accepted})
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"statement": 5}',
        b'{"statement": null}',
        b'{"statement": "a", "statement": "b"}',
        b'{"statement": "a", "more": 1}',
        b'{"statement": 1.5}',
        b'{"statement": NaN}',
        b'{"statement": "\xff"}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"statement": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}',
    ],
)
def test_bad_json_is_refused(client: FlaskClient, body: bytes) -> None:
    """Duplicate keys, unknown keys, floats, wrong types, deep nesting: one clear refusal."""
    response = raw(client, body)
    assert response.status_code == 400  # type: ignore[attr-defined]
    assert response.json["code"] in {"invalid-request", "malformed"}  # type: ignore[attr-defined]


def test_other_types_are_refused(client: FlaskClient) -> None:
    """A form post (which another site's page could send) is not JSON."""
    for kind in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ):
        response = raw(client, b'{"statement": "a"}', kind)
        assert response.status_code == 415  # type: ignore[attr-defined]


def test_too_much_is_refused_before_it_is_read(client: FlaskClient) -> None:
    """Each route has its own limit."""
    response = post(client, f"{API}/login/challenge", {"x": "y" * 5_000})
    assert response.status_code == 413
    assert response.json["code"] == "too-large"  # type: ignore[index]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", f"{API}/nowhere", 404, "not-found"),
        ("DELETE", f"{API}/statements", 405, "method-not-allowed"),
        ("GET", f"{API}/login", 405, "method-not-allowed"),
        ("GET", f"{API}/trust/", 404, "not-found"),
        ("GET", "//evil.example/%2e%2e/", 404, "not-found"),
        ("GET", "/static/../app.py", 404, "not-found"),
    ],
)
def test_wrong_addresses_are_problems_too(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    """Flask's own errors have the same form as ours."""
    response = client.open(path, method=method, base_url=URL)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["code"] == code  # type: ignore[index]


def test_a_fault_says_nothing_of_its_cause(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is a 500 with a reference; neither answer nor journal quotes anything."""
    caplog.set_level(logging.INFO, logger="dossier")
    response = get(client, f"{API}/broken/{SECRET.split(',', maxsplit=1)[0]}")
    assert response.status_code == 500
    assert response.json["code"] == "internal"  # type: ignore[index]
    reference = response.headers["X-Request-Id"]
    assert reference in response.json["detail"]  # type: ignore[index]
    assert "Prudence" not in response.text
    fields = [record.fields for record in caplog.records if hasattr(record, "fields")]
    assert any(each["request_id"] == reference for each in fields)
    assert "Prudence" not in json.dumps(fields)


def test_the_language_reaches_the_front_page(client: FlaskClient) -> None:
    """The front page names the log and its accessibility, in a page that loads nothing foreign."""
    response = get(client, "/")
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert '<html lang="fr">' in response.text
    assert "Accessibilité : non conforme" in response.text
    assert "dossiers.example/log" in response.text
    assert "http" not in response.text.replace("/api", "")
    style = get(client, "/static/pages.css")
    assert style.status_code == 200
    assert style.content_type.startswith("text/css")
    style.close()
    english = get(client, "/", headers={"Accept-Language": "en"})
    assert '<html lang="en">' in english.text


def test_health_is_truthful(client: FlaskClient, app: Flask) -> None:
    """Alive is alive; ready is what answers. Neither says more to a stranger."""
    assert get(client, "/healthz").json == {"status": "ok", "checks": {}}
    ready = get(client, "/readyz")
    assert ready.status_code == 200
    parts = {"database", "objects", "log", "broker", "witnesses"}
    assert set(ready.json["checks"]) == parts  # type: ignore[index]
    assert ready.json["broker"] == "in-process"  # type: ignore[index]


def test_a_lost_broker_is_not_ready(tmp_path_factory: pytest.TempPathFactory) -> None:
    """When the broker's store is gone, /readyz says so with 503, and /healthz stays up."""
    live = LiveService(tmp_path_factory.mktemp("unready"))
    (live.directory / "broker" / "store.json").unlink()
    (live.directory / "broker" / "statement.key").unlink()
    client = live.app.test_client()  # opened before its broker was lost
    response = get(client, "/readyz")
    assert response.status_code == 503
    assert response.json["checks"]["broker"] == "unavailable"  # type: ignore[index]
    assert response.json["checks"]["database"] == "ok"  # type: ignore[index]
    assert get(client, "/healthz").status_code == 200
    live.shut()


def test_each_expected_error_has_a_title() -> None:
    """Every status that the table gives has its French title."""
    assert {status for _kind, status, _code in STATUS} <= set(LABELS)
