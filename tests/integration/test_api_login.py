"""Logins over HTTP: challenges, cookies, limits, revocation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from audit.checkpoint import Checkpoint
from audit.receipts import verify_receipt
from crypto.edge.identity import Identity
from crypto.keys import MasterSeed
from exchange.web.accounts import ABSOLUTE_LIMIT, IDLE_LIMIT, SECURE_COOKIE
from tests.support.live_service import API, URL, LiveService, get, live_service, post


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    made = live_service(tmp_path_factory.mktemp("login"))
    yield made
    made.shut()


def logged_in(live: LiveService, who: str = "claire") -> FlaskClient:
    client = live.anonymous()
    assert live.log_in(client, live.people[who]).status_code == 200
    return client


def inside(client: FlaskClient) -> bool:
    return get(client, f"{API}/sittings").status_code == 200


def log_size(live: LiveService) -> int:
    return Checkpoint.of_note(live.log.integrate()).size


def test_a_member_logs_in(live: LiveService) -> None:
    """The answer says who is logged in, and proves that the login is in the log."""
    claire = live.people["claire"]
    answer = live.log_in(live.anonymous(), claire).json
    assert answer is not None
    assert answer["person"] == claire.person
    assert answer["organisation"] == "cdom"
    assert answer["roles"] == ["member"]
    assert answer["certificate"] == claire.certificate
    assert live.log_policy is not None
    assert verify_receipt(answer["receipt"].encode(), live.log_policy).details.cites["certificate"]


def test_a_registrar_logs_in_by_policy_key(live: LiveService) -> None:
    """A registrar has no certificate: the trust policy's key is the login."""
    answer = live.log_in(live.anonymous(), None).json
    assert answer is not None
    assert (answer["person"], answer["certificate"]) == (None, None)


def test_the_cookie_is_strict(live: LiveService) -> None:
    """Scripts, other sites, other hosts and plain connections never get the cookie."""
    response = live.log_in(live.anonymous(), live.people["claire"])
    (cookie,) = response.headers.getlist("Set-Cookie")
    name, *attributes = (part.strip() for part in cookie.split(";"))
    assert name.startswith(f"{SECURE_COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert not any(each.startswith(("Domain", "Expires", "Max-Age")) for each in attributes)


def test_a_challenge_is_good_once(live: LiveService) -> None:
    """A login statement that was used before opens nothing again."""
    client = live.anonymous()
    envelope = live.login_statement(client, live.people["claire"]).decode()
    assert post(client, f"{API}/login", {"statement": envelope}).status_code == 200
    again = post(live.anonymous(), f"{API}/login", {"statement": envelope})
    assert again.status_code in {403, 410}
    assert "Set-Cookie" not in again.headers


def test_a_challenge_expires(live: LiveService) -> None:
    """A statement signed in time and sent too late is refused."""
    client = live.anonymous()
    late = live.now + timedelta(hours=1)
    envelope = live.login_statement(client, live.people["claire"], expires_at=late).decode()
    live.advance(minutes=6)
    assert post(client, f"{API}/login", {"statement": envelope}).status_code in {403, 410}


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "dossiers.example/other"},
        {"nonce": os.urandom(32)},
    ],
)
def test_a_login_made_for_another_service_is_refused(
    live: LiveService, changes: dict[str, object]
) -> None:
    """A statement bound to another origin or challenge logs nobody in, and the refusal is logged."""
    before = log_size(live)
    response = live.log_in(live.anonymous(), live.people["claire"], **changes)
    assert response.status_code in {403, 410}
    assert "Set-Cookie" not in response.headers
    assert log_size(live) == before + 1


def test_another_key_cannot_use_the_certificate(live: LiveService) -> None:
    """Naming somebody's certificate without their key is refused."""
    claire = live.people["claire"]
    thief = Identity(MasterSeed.generate(os.urandom))
    honest, claire.identity = claire.identity, thief
    try:
        assert live.log_in(live.anonymous(), claire).status_code == 403
    finally:
        claire.identity = honest


def test_an_idle_login_ends(live: LiveService) -> None:
    """Half an hour without a request ends a login."""
    client = logged_in(live)
    live.now += IDLE_LIMIT - timedelta(seconds=1)
    assert inside(client)
    live.now += IDLE_LIMIT
    assert not inside(client)


def test_a_busy_login_ends_after_a_working_day(live: LiveService) -> None:
    """However busy, no login outlives the absolute limit; until then use keeps it alive."""
    client = logged_in(live)
    begun = live.now
    while live.now - begun + timedelta(minutes=20) < ABSOLUTE_LIMIT:
        live.advance(minutes=20)
        assert get(client, "/log/tile/0/000.p/1").status_code == 200
    live.advance(minutes=20)
    assert not inside(client)


def test_logging_out_ends_it(live: LiveService) -> None:
    """After logging out the browser's cookie is gone."""
    client = logged_in(live)
    assert post(client, f"{API}/logout", {}).status_code == 204
    assert not inside(client)
    assert post(client, f"{API}/logout", {}).status_code == 204


def test_a_revoked_certificate_loses_its_logins_at_once(tmp_path: Path) -> None:
    """The request after a revocation is refused, on every worker, without waiting for the cookie."""
    live = live_service(tmp_path)
    martin = live.people["martin"]
    client = logged_in(live, "martin")
    other = live.wire()
    other_worker = other.application().test_client()
    cookie = client.get_cookie(SECURE_COOKIE, domain="dossiers.example")
    assert cookie is not None
    other_worker.set_cookie(SECURE_COOKIE, cookie.value, domain="dossiers.example")
    assert inside(client)
    assert inside(other_worker)
    live.revoke(martin)
    assert not inside(client)
    assert not inside(other_worker)
    assert live.log_in(live.anonymous(), martin).status_code == 403
    other.close()
    live.shut()


def test_a_forged_cookie_is_nobody(live: LiveService, tmp_path: Path) -> None:
    """A cookie of another instance, or changed in one letter, is worth nothing."""
    client = logged_in(live)
    cookie = client.get_cookie(SECURE_COOKIE, domain="dossiers.example")
    assert cookie is not None
    changed = cookie.value[:-2] + ("A" if cookie.value[-2] != "A" else "B") + cookie.value[-1]
    stranger = LiveService(tmp_path)
    for app, value in ((live.app, changed), (stranger.app, cookie.value)):
        forged = app.test_client()
        forged.set_cookie(SECURE_COOKIE, value, domain="dossiers.example")
        assert get(forged, f"{API}/sittings").status_code == 401
    stranger.shut()


def test_enrolment_needs_a_real_invitation(live: LiveService) -> None:
    """The anonymous route takes nothing under an invitation that does not exist."""
    body = {"statement": "{}"}
    response = post(live.anonymous(), f"{API}/invitations/{live.new_id()}/enrolment", body)
    assert response.status_code in {400, 404}
    assert response.headers["Content-Type"] == "application/problem+json"


def test_plain_http_is_for_this_machine(tmp_path: Path) -> None:
    """Without TLS the cookie has no Secure attribute and no prefix, and everything else stays."""
    live = LiveService(tmp_path)
    plain = live.settings.model_copy(update={"public_url": "http://127.0.0.1:8080"})
    live.settings = plain
    live.shut()
    live.wired = live.wire()
    app = live.new_app()
    assert app.config["SESSION_COOKIE_NAME"] == "dossier"
    assert app.config["SESSION_COOKIE_SECURE"] is False
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Strict"
    assert URL not in plain.public_url
    live.shut()
