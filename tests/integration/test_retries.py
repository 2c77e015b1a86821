"""A retry after a lost answer: the same answer, one effect, on every route that changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from crypto.encoding import encode_base64
from crypto.statements.exchange import Declaration, Grant, Purpose
from crypto.statements.registry import Enrolment, Invitation, Role
from tests.support.live_service import API, URL, LiveScene, live_scene, post, put

Request = Callable[[str], TestResponse]
"""Sends one and the same request, under the key given."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveScene]:
    made = live_scene(tmp_path_factory.mktemp("retries"), days=1)
    yield made
    made.live.shut()


def begin(scene: LiveScene) -> Request:
    return lambda key: scene.live.begin_by_http(scene.depositor, scene.sitting, key=key)


def put_part(scene: LiveScene) -> Request:
    drawn = scene.live.draw_up(scene.depositor, scene.sitting, scene.member)
    client = scene.live.client(scene.depositor)
    path = f"{API}/deposits/{drawn.deposit}/parts/1"
    return lambda key: put(client, path, drawn.payload, Idempotency_Key=key)


def commit(scene: LiveScene) -> Request:
    live, claire, odile = scene.live, scene.member, scene.live.people["odile"]
    drawn = live.draw_up(live.people["paul"], scene.sitting, claire, odile)
    assert live.put(live.people["paul"], drawn.deposit, 1, drawn.payload).status_code == 204
    body = {
        "manifest": drawn.manifest.envelope.decode(),
        "envelopes": [encode_base64(each) for each in drawn.envelopes],
    }
    client = live.client(live.people["paul"])
    return lambda key: post(client, f"{API}/deposits/{drawn.deposit}/commit", body, key=key)


def grant(scene: LiveScene) -> Request:
    live, made = scene.live, scene.deposit
    entry, _header, envelope = live.envelope(
        made.release_key, made.file_key, scene.member, Purpose.READ
    )
    signed = live.by(
        scene.depositor,
        Grant,
        manifest=made.manifest.digest,
        release_key_sha256=made.release_key.digest,
        envelopes=(entry,),
        reason="essai",
    )
    body = {"grant": signed.envelope.decode(), "envelopes": [encode_base64(envelope)]}
    path = f"{API}/deposits/{made.deposit}/envelopes"
    return lambda key: post(live.client(scene.depositor), path, body, key=key)


def release_key(scene: LiveScene) -> Request:
    body = {"sitting_sha256": scene.live.sittings[scene.sitting].digest}
    path = f"{API}/deposits/{scene.deposit.deposit}/release-key"
    return lambda key: post(scene.live.client(scene.depositor), path, body, key=key)


def statement(scene: LiveScene) -> Request:
    signed = scene.live.by(
        scene.member, Declaration, sitting=scene.sitting, dossiers=(scene.other.dossier,)
    )
    body = {"statement": signed.envelope.decode()}
    return lambda key: post(scene.live.client(scene.member), f"{API}/statements", body, key=key)


def release(scene: LiveScene) -> Request:
    scene.live.advance(days=4)
    asked = scene.live.request(scene.member, scene.sitting, scene.deposit)
    return lambda key: scene.live.ask(scene.member, asked, key=key)


def contact(scene: LiveScene) -> Request:
    body = {"address": "claire@exemple.invalid", "language": "fr"}
    client = scene.live.client(scene.member)
    headers = {"Origin": URL}
    return lambda key: client.put(
        f"{API}/contact",
        json=body,
        base_url=URL,
        headers={**headers, "Idempotency-Key": key},
    )


def enrolment(scene: LiveScene) -> Request:
    sent: list[Any] = []

    world = scene.live
    send = world.send

    def watch(signed: Any) -> TestResponse:
        sent.append(signed)
        return send(signed)

    world.send = watch  # type: ignore[method-assign]
    world.enrol("zoe", "nid", Role.DEPOSITOR)
    world.send = send  # type: ignore[method-assign]
    signed = next(each for each in sent if isinstance(each.statement, Enrolment))
    invitation = next(each for each in sent if isinstance(each.statement, Invitation))
    path = f"{API}/invitations/{invitation.statement.id}/enrolment"
    body = {"statement": signed.envelope.decode()}
    return lambda key: post(world.anonymous(), path, body, key=key)


def logout(scene: LiveScene) -> Request:
    client = scene.live.anonymous()
    assert scene.live.log_in(client, scene.depositor).status_code == 200
    return lambda key: post(client, f"{API}/logout", {}, key=key)


REQUESTS: Final[dict[tuple[str, str], Callable[[LiveScene], Request]]] = {
    ("POST", "/logout"): logout,
    ("POST", "/invitations/<invitation>/enrolment"): enrolment,
    ("POST", "/statements"): statement,
    ("PUT", "/contact"): contact,
    ("POST", "/deposits"): begin,
    ("PUT", "/deposits/<deposit>/parts/<int:number>"): put_part,
    ("POST", "/deposits/<deposit>/commit"): commit,
    ("POST", "/deposits/<deposit>/envelopes"): grant,
    ("POST", "/deposits/<deposit>/release-key"): release_key,
    ("POST", "/releases"): release,
}

WITHOUT_RETRY: Final = {
    ("POST", "/login/challenge"): "each answer is another nonce, which lapses by itself",
    ("POST", "/login"): "a nonce serves once: the client asks for another and signs anew",
}
"""Routes of which a retry is another request, and why that harms nobody."""


@dataclass(frozen=True)
class State:
    """What an effect would change."""

    events: int
    objects: frozenset[str]
    deposits: int


def state(scene: LiveScene) -> State:
    service = scene.live.wired.service
    with service.transactions() as work:
        deposits = len(work.deposits.of_sitting(scene.sitting))
    note = scene.live.log.checkpoint()
    size = int(note.split(b"\n")[1]) if note else 0
    return State(size, frozenset(service.objects.names()), deposits)


def told(response: TestResponse) -> Any:
    """An answer without its proofs: they may be of a later checkpoint."""

    def stable(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: stable(v) for k, v in value.items() if not k.startswith("receipt")}
        if isinstance(value, list):
            return [stable(each) for each in value]
        return value

    return response.status_code, stable(response.json) if response.data else None


def test_every_unsafe_route_is_retried_or_says_why_not(scene: LiveScene) -> None:
    """A route that changes anything is in one of the two lists below, and in no other."""
    unsafe = {
        (method, rule.rule.removeprefix(API))
        for rule in scene.live.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }
    assert unsafe == set(REQUESTS) | set(WITHOUT_RETRY)
    assert not set(REQUESTS) & set(WITHOUT_RETRY)


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_a_retry_has_one_effect_and_the_same_answer(
    scene: LiveScene, route: tuple[str, str]
) -> None:
    """The answer was lost and the request is sent again, by another worker: nothing is doubled."""
    send = REQUESTS[route](scene)
    key = scene.live.new_id()
    first = send(key)
    assert first.status_code in {200, 201, 204}, first.text
    after = state(scene)
    scene.live.app = scene.live.new_app()  # another process: it remembers nothing
    again = send(key)
    assert told(again) == told(first)
    assert state(scene) == after


def test_a_key_stands_for_one_request(scene: LiveScene) -> None:
    """The same key with another body is refused, on every route that takes a body and a login; on
    another path it is another key."""
    key = scene.live.new_id()
    client = scene.live.client(scene.member)
    for path in ("/statements", "/releases", "/deposits"):
        first = post(client, f"{API}{path}", {"a": path}, key=key)
        assert first.status_code == 400
        again = post(client, f"{API}{path}", {"b": path}, key=key)
        assert again.status_code == 422, path
        assert again.json is not None
        assert "idempotency" in again.json["type"]


def test_a_used_login_is_refused_and_makes_no_second(scene: LiveScene) -> None:
    """The exception among the routes: a replayed login gives no login."""
    client = scene.live.anonymous()
    body = {"statement": scene.live.login_statement(client, scene.member).decode()}
    assert post(client, f"{API}/login", body).status_code == 200
    other = scene.live.anonymous()
    assert post(other, f"{API}/login", body).status_code == 410
    assert other.get(f"{API}/sittings", base_url=URL).status_code == 401
