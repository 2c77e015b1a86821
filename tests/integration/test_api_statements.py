"""Statements, trust and sittings over HTTP: who may post and read what."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.encoding import encode_base64
from crypto.statements import parse, parse_any, verify
from crypto.statements.custody import Status
from crypto.statements.registry import Agenda
from exchange.usecases import facts
from exchange.usecases.facts import revoked_digest
from tests.support.live_service import API, LiveScene, LiveService, get, live_scene, post


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveScene]:
    made = live_scene(tmp_path_factory.mktemp("statements"))
    yield made
    made.live.shut()


def types_in(answer: object) -> list[str]:
    return [
        parse_any(each["envelope"].encode()).statement.TYPE
        for each in answer["statements"]  # type: ignore[index]
    ]


# --- first contact --------------------------------------------------------------------------------


def test_trust_policies_need_no_login(tmp_path: Path) -> None:
    """Entry 0 is the root's first trust policy; the next is taken on its signatures alone too."""
    live = LiveService(tmp_path)
    assert get(live.anonymous(), "/log/checkpoint").status_code == 404
    assert get(live.anonymous(), f"{API}/trust").json["policies"] == []  # type: ignore[index]
    first = live.trust_policy()
    assert live.send(first).status_code == 201
    assert live.send(first).status_code == 201
    answer = get(live.anonymous(), f"{API}/trust").json
    assert answer is not None
    assert answer["trust"] == live.trust.model_dump(mode="json")
    assert [each["envelope"].encode() for each in answer["policies"]] == [first.envelope]
    second = {"statement": live.trust_policy(2).envelope.decode()}
    assert post(live.anonymous(), f"{API}/statements", second).status_code == 201
    live.shut()


def test_a_stranger_cannot_continue_the_chain(tmp_path: Path) -> None:
    """Without a login a policy of other roots, or one that leaves a version out, is refused."""
    live = LiveService(tmp_path)
    other = LiveService(tmp_path / "other")
    first = live.trust_policy()
    assert live.send(first).status_code == 201
    for refused in (other.trust_policy(2), live.trust_policy(3)):
        body = {"statement": refused.envelope.decode()}
        assert post(live.anonymous(), f"{API}/statements", body).status_code == 403
    answer = get(live.anonymous(), f"{API}/trust").json
    assert [each["envelope"].encode() for each in answer["policies"]] == [first.envelope]  # type: ignore[index]
    for each in (live, other):
        each.shut()


def test_a_stranger_cannot_begin_the_log(tmp_path: Path) -> None:
    """Before the first policy nothing but that policy, signed by the pinned root, is accepted."""
    live = LiveService(tmp_path)
    other = LiveService(tmp_path / "other")
    foreign = {"statement": other.trust_policy().envelope.decode()}
    response = post(live.anonymous(), f"{API}/statements", foreign)
    assert response.status_code == 403
    assert get(live.anonymous(), f"{API}/trust").json["policies"] == []  # type: ignore[index]
    for each in (live, other):
        each.shut()


# --- posting --------------------------------------------------------------------------------------


def test_a_stranger_posts_nothing(scene: LiveScene) -> None:
    """Even a well-signed statement needs the login of its signer."""
    live = scene.live
    closing = live.by_registrar(
        type(live.sittings[scene.sitting].statement),
        **{
            name: getattr(live.sittings[scene.sitting].statement, name)
            for name in (
                "sitting",
                "roster",
                "stage",
                "zone",
                "deposit_by",
                "opens_at",
                "closes_at",
                "urgency",
                "second_convocation",
                "seats",
            )
        },
        version=2,
        previous=live.sittings[scene.sitting].digest,
    )
    body = {"statement": closing.envelope.decode()}
    assert post(live.anonymous(), f"{API}/statements", body).status_code == 403
    assert post(live.client(scene.member), f"{API}/statements", body).status_code == 403


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"payloadType":"x"}', "[]"])
def test_what_is_no_statement_is_explained(scene: LiveScene, text: str) -> None:
    """Bad input changes nothing and gets a problem document."""
    response = post(scene.live.client(None), f"{API}/statements", {"statement": text})
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "openings",
    [
        [],
        [{"opening": "AAAA", "item": "null"}],
        [{"opening": "A" * 43 + "=", "item": ""}],
        [{"opening": "A" * 43 + "=", "item": "null", "extra": 1}],
        [{"opening": "A" * 43 + "=", "item": "null"}] * 1_025,
        "nonsense",
    ],
)
def test_an_agenda_without_its_openings_is_refused(scene: LiveScene, openings: object) -> None:
    """None, malformed ones or too many: a problem document, and the agenda in force stays."""
    live = scene.live
    before = get(live.client(None), f"{API}/sittings/{scene.sitting}").json
    last = facts.latest_agenda(live.index, scene.sitting)
    assert last is not None
    items = tuple(sorted(bytes([n]) * 32 for n in range(64)))
    signed = live.by_registrar(
        Agenda, sitting=scene.sitting, version=2, previous=last.digest, items=items
    )
    body = {"statement": signed.envelope.decode(), "openings": openings}
    response = post(live.client(None), f"{API}/statements", body)
    assert response.status_code == 400, response.text
    assert response.content_type == "application/problem+json"
    after = get(live.client(None), f"{API}/sittings/{scene.sitting}").json
    assert before
    assert after
    assert after["agenda"] == before["agenda"]


# --- reading --------------------------------------------------------------------------------------


def test_readers_see_what_concerns_them(scene: LiveScene) -> None:
    """A member sees the agenda and the manifests; a depositor no other association's manifest."""
    live = scene.live
    path = f"{API}/sittings/{scene.sitting}"
    member = types_in(get(live.client(scene.member), path).json)
    assert {"roster", "sitting", "agenda", "manifest", "certificate"} <= set(member)
    assert member.count("manifest") == 2
    depositor = types_in(get(live.client(scene.depositor), path).json)
    assert depositor.count("manifest") == 1
    assert "enrolment" not in member


def test_the_list_of_sittings_names_the_latest_version(scene: LiveScene) -> None:
    """Each sitting appears once."""
    answer = get(scene.live.client(scene.member), f"{API}/sittings").json
    assert answer is not None
    found = [parse_any(each["envelope"].encode()) for each in answer["sittings"]]
    assert [each.statement.sitting for each in found] == [scene.sitting]  # type: ignore[attr-defined]


def test_statements_are_found_by_type_and_reference(scene: LiveScene) -> None:
    """A search takes a type and references, and refuses what it does not know."""
    live = scene.live
    client = live.client(None)
    answer = get(client, f"{API}/statements?type=certificate").json
    assert set(types_in(answer)) == {"certificate"}
    person = scene.member.person
    one = get(client, f"{API}/statements?type=certificate&person={person}").json
    assert len(types_in(one)) == 1
    for query in ("", "type=unknown", "type=roster&colour=blue", "type=roster&type=sitting"):
        assert get(client, f"{API}/statements?{query}").status_code == 400, query


def test_a_statement_is_found_by_its_digest(scene: LiveScene) -> None:
    """The bytes are those signed; another's statement, and none at all, answer alike."""
    live, manifest = scene.live, scene.deposit.manifest
    own = get(live.client(scene.depositor), f"{API}/statements/{manifest.digest}").json
    assert own is not None
    assert own["envelope"].encode() == manifest.envelope
    paul = live.client(live.people["paul"])
    hidden = get(paul, f"{API}/statements/{manifest.digest}")
    absent = get(paul, f"{API}/statements/{'0' * 64}")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json["detail"] == absent.json["detail"]  # type: ignore[index]
    assert get(paul, f"{API}/statements/nonsense").status_code == 400


# --- status ---------------------------------------------------------------------------------------


def test_a_status_answers_the_nonce(scene: LiveScene) -> None:
    """The broker signs over the nonce asked for, echoes what it knows, and counts upwards."""
    live, numbers = scene.live, []
    known, unknown = live.sittings[scene.sitting].digest, "0" * 64
    for _ in range(2):
        nonce = os.urandom(32)
        query = {
            "nonce": encode_base64(nonce),
            "sitting": scene.sitting,
            "statement": [known, unknown],
        }
        answer = live.client(scene.member).get(
            f"{API}/status", query_string=query, base_url="https://dossiers.example"
        )
        assert answer.json is not None
        unverified = parse(Status, answer.json["status"].encode())
        status = verify(unverified, live.instance.broker_key).statement
        assert status.nonce == nonce
        assert status.includes == (known,)
        assert status.sitting == known
        assert status.revoked == revoked_digest(live.index)
        numbers.append(status.number)
    assert numbers[1] > numbers[0]


@pytest.mark.parametrize(
    "query", ["", "nonce=AAAA", "nonce=!!", "nonce=" + "A" * 43 + "%3D&sitting=x"]
)
def test_a_malformed_status_question_is_refused(scene: LiveScene, query: str) -> None:
    """A nonce of another length, or a name that is none, asks the broker nothing."""
    response = get(scene.live.client(scene.member), f"{API}/status?{query}")
    assert response.status_code in {400, 409}
    assert response.content_type == "application/problem+json"
