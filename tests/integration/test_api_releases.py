"""Releases and payloads over HTTP: logged first, decided each time, streamed by range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.receipts import verify_receipt
from crypto.age.decrypt import decrypt_with
from crypto.digests import sha256
from crypto.encoding import decode_base64
from crypto.statements.exchange import Recusal
from tests.support.live_service import API, LiveScene, get, live_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveScene]:
    """Read-only: what a test does here leaves the sitting open and its deposits released."""
    made = live_scene(tmp_path_factory.mktemp("releases"))
    request = made.live.request(made.member, made.sitting, made.deposit)
    assert made.live.ask(made.member, request).status_code == 200
    yield made
    made.live.shut()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LiveScene]:
    made = live_scene(tmp_path)
    yield made
    made.live.shut()


def released(scene: LiveScene, **changes: Any) -> Any:
    request = scene.live.request(scene.member, scene.sitting, scene.deposit, **changes)
    return scene.live.ask(scene.member, request).json


def event(scene: LiveScene, item: Any) -> Any:
    assert scene.live.log_policy is not None
    return verify_receipt(item["receipt"].encode(), scene.live.log_policy)


def sizes(scene: LiveScene) -> int:
    return Checkpoint.of_note(scene.live.log.integrate()).size


# --- releases -------------------------------------------------------------------------------------


def test_a_release_is_proved_and_opens(scene: LiveScene) -> None:
    """The header opens with the reply key alone, is the depositor's, and its event is in the log."""
    request = scene.live.request(scene.member, scene.sitting, scene.deposit)
    answer = scene.live.ask(scene.member, request).json
    assert answer is not None
    (item,) = answer["releases"]
    assert answer["refusals"] == []
    header = decrypt_with(decode_base64(item["header"]), request.reply)
    assert header == scene.deposit.headers[scene.member.certificate]
    proved = event(scene, item)
    assert proved.details.type is EventType.RELEASE_AUTHORISED
    assert proved.details.cites["access_request"] == request.digest
    assert proved.details.cites["manifest"] == scene.deposit.manifest.digest


def test_a_retry_presents_the_same_event(scene: LiveScene) -> None:
    """The same request again has the same index and header, under a checkpoint at least as new."""
    request = scene.live.request(scene.member, scene.sitting, scene.deposit)
    first = scene.live.ask(scene.member, request).json["releases"][0]  # type: ignore[index]
    size = sizes(scene)
    again = scene.live.ask(scene.member, request).json["releases"][0]  # type: ignore[index]
    assert event(scene, first).index == event(scene, again).index
    assert first["header"] == again["header"]
    assert event(scene, again).checkpoint.checkpoint.size >= size


def test_a_key_stands_for_one_request(scene: LiveScene) -> None:
    """An idempotency key that came with another access request is refused."""
    key = scene.live.new_id()
    first = scene.live.request(scene.member, scene.sitting, scene.deposit)
    assert scene.live.ask(scene.member, first, key).status_code == 200
    assert scene.live.ask(scene.member, first, key).status_code == 200
    second = scene.live.request(scene.member, scene.sitting, scene.deposit)
    response = scene.live.ask(scene.member, second, key)
    assert response.status_code == 422


def test_each_deposit_gets_its_own_answer(scene: LiveScene) -> None:
    """What is refused does not stop what is allowed; each has a reason in the reader's language."""
    odile = scene.live.people["odile"]  # sits for the depositing association
    request = scene.live.request(odile, scene.sitting, scene.deposit, scene.other)
    answer = scene.live.ask(odile, request).json
    assert answer is not None
    reasons = {item["deposit"]: item["reason"] for item in answer["refusals"]}
    assert reasons[scene.deposit.deposit] == "structurally-recused"
    assert answer["releases"] == []
    for item in answer["refusals"]:
        assert event(scene, item).details.type is EventType.RELEASE_REFUSED
        assert item["message"]


def test_nobody_asks_with_anothers_request(scene: LiveScene) -> None:
    """A login that presents somebody else's signed request gets nothing."""
    request = scene.live.request(scene.member, scene.sitting, scene.deposit)
    for other in (scene.depositor, scene.live.people["odile"], None):
        body = {"request": request.signed.envelope.decode()}
        response = scene.live.client(other).post(
            f"{API}/releases",
            json=body,
            base_url="https://dossiers.example",
            headers={"Origin": "https://dossiers.example"},
        )
        assert response.status_code == 403


# --- payloads -------------------------------------------------------------------------------------


def test_the_payload_is_the_one_deposited(scene: LiveScene) -> None:
    """Bit for bit, with its length announced and nothing cacheable."""
    response = scene.live.read(scene.member, scene.deposit)
    payload = scene.live.payloads[scene.deposit.deposit]
    assert response.status_code == 200
    assert response.data == payload
    assert sha256(response.data) == scene.deposit.manifest.statement.sha256
    assert response.headers["Content-Length"] == str(len(payload))
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=65530-65550", 65530, 65550),
        ("bytes=199000-", 199_000, -1),
        ("bytes=-17", -17, -1),
        ("bytes=150000-999999999", 150_000, -1),
    ],
)
def test_a_range_is_that_part(scene: LiveScene, header: str, first: int, last: int) -> None:
    """A single range, open, closed or from the end, is answered with 206 and its place."""
    payload = scene.live.payloads[scene.deposit.deposit]
    first, last = first % len(payload), last % len(payload)
    response = scene.live.read(scene.member, scene.deposit, header)
    assert response.status_code == 206
    assert response.data == payload[first : last + 1]
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(payload)}"


@pytest.mark.parametrize("header", ["bytes=200080-", "bytes=999999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(scene: LiveScene, header: str) -> None:
    """416 names the true length, so that a resuming client knows that it has everything."""
    response = scene.live.read(scene.member, scene.deposit, header)
    length = len(scene.live.payloads[scene.deposit.deposit])
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{length}"
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", "-"])
def test_other_ranges_are_ignored(scene: LiveScene, header: str) -> None:
    """What is no single range of bytes gets the whole (RFC 9110, 14.2)."""
    response = scene.live.read(scene.member, scene.deposit, header)
    assert response.status_code == 200
    assert response.data == scene.live.payloads[scene.deposit.deposit]


def test_reading_is_logged_once_and_first(fresh: LiveScene) -> None:
    """One event covers all ranges of a release; it is in the log before the first byte leaves."""
    live = fresh.live
    released(fresh)
    before = sizes(fresh)
    part = live.read(fresh.member, fresh.deposit, "bytes=0-9")
    assert len(part.data) == 10
    note = live.log.checkpoint()
    assert note is not None
    assert Checkpoint.of_note(note).size == before + 1
    live.read(fresh.member, fresh.deposit)
    live.read(fresh.member, fresh.deposit, "bytes=10-")
    assert sizes(fresh) == before + 1


def test_no_payload_without_a_release(fresh: LiveScene) -> None:
    """Before a release, and for everybody else after it, the payload is not found."""
    live = fresh.live
    assert live.read(fresh.member, fresh.deposit).status_code == 404
    released(fresh)
    assert live.read(fresh.member, fresh.deposit).status_code == 200
    for other in (live.people["odile"], live.people["martin"], live.people["irene"]):
        assert live.read(other, fresh.deposit).status_code == 404
    assert live.read(fresh.member, fresh.other).status_code == 404


def test_a_recusal_ends_reading_at_once(fresh: LiveScene) -> None:
    """After stepping aside, neither the payload nor a retry of the old request is answered."""
    live, member = fresh.live, fresh.member
    request = live.request(member, fresh.sitting, fresh.deposit)
    assert live.ask(member, request).json["releases"]  # type: ignore[index]
    dossiers = (fresh.deposit.dossier,)
    live.post(live.by(member, Recusal, sitting=fresh.sitting, dossiers=dossiers))
    refused = live.read(member, fresh.deposit)
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["reason"] == "recused"
    again = live.ask(member, request).json
    assert again is not None
    assert again["releases"] == []


def test_a_closed_sitting_opens_nothing(fresh: LiveScene) -> None:
    """After the closing: no release, no payload, and the keys are gone."""
    live = fresh.live
    released(fresh)
    live.close(fresh.sitting)
    assert live.read(fresh.member, fresh.deposit).status_code == 403
    answer = released(fresh)
    assert answer["releases"] == []
    assert {item["reason"] for item in answer["refusals"]} <= {"sitting-closed", "key-destroyed"}
    assert not list((live.directory / "broker" / "keys").glob("*.age"))


def test_refusals_cannot_flood_the_log(fresh: LiveScene) -> None:
    """Who is refused again and again is told to wait, and the log stops growing."""
    live, martin = fresh.live, fresh.live.people["martin"]
    statuses = []
    for _ in range(70):
        request = live.request(martin, fresh.sitting, fresh.deposit)
        statuses.append(live.ask(martin, request).status_code)
    assert statuses[0] == 200
    assert statuses[-1] == 429
    member = live.request(fresh.member, fresh.sitting, fresh.deposit)
    assert live.ask(fresh.member, member).status_code == 200


def test_the_payload_of_nothing_is_not_found(scene: LiveScene) -> None:
    """A deposit that never was answers like one that is not for the caller."""
    client = scene.live.client(scene.member)
    response = get(client, f"{API}/deposits/{scene.live.new_id()}/payload")
    assert response.status_code == 404
