"""Deposits over HTTP: idempotency, parts, digests, truncation, commit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from audit.checkpoint import Checkpoint
from audit.receipts import verify_receipt
from crypto.digests import sha256
from crypto.encoding import encode_base64
from exchange.usecases.service import PART_BYTES
from tests.support.live_service import API, URL, LiveService, get, live_service, post


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    made = live_service(tmp_path_factory.mktemp("deposits"))
    made.publish_sitting("claire", "odile")
    yield made
    made.shut()


@pytest.fixture(scope="module")
def sitting(live: LiveService) -> str:
    return next(iter(live.sittings))


def code_of(response: object) -> tuple[int, str]:
    return response.status_code, response.json["code"]  # type: ignore[attr-defined]


# --- beginning ------------------------------------------------------------------------------------


def test_the_same_key_begins_one_deposit(live: LiveService, sitting: str) -> None:
    """A retry after a lost answer gets the first answer, byte for byte, and makes no second key."""
    nadia, key = live.people["nadia"], live.new_id()
    first = live.begin_by_http(nadia, sitting, key)
    again = live.begin_by_http(nadia, sitting, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    other = live.begin_by_http(nadia, sitting)
    assert other.json is not None
    assert first.json is not None
    assert other.json["deposit"] != first.json["deposit"]


def test_a_key_belongs_to_one_person(live: LiveService, sitting: str) -> None:
    """Another person with the same key gets a deposit of their own."""
    key = live.new_id()
    mine = live.begin_by_http(live.people["nadia"], sitting, key).json
    theirs = live.begin_by_http(live.people["paul"], sitting, key).json
    assert mine is not None
    assert theirs is not None
    assert mine["deposit"] != theirs["deposit"]


def test_a_key_belongs_to_one_request(live: LiveService, sitting: str) -> None:
    """The same key with another request is refused and not guessed at."""
    nadia, key = live.people["nadia"], live.new_id()
    assert live.begin_by_http(nadia, sitting, key).status_code == 201
    body = {"sitting": live.new_id(), "sitting_sha256": "0" * 64}
    again = post(live.client(nadia), f"{API}/deposits", body, key=key)
    assert code_of(again) == (422, "idempotency-mismatch")


@pytest.mark.parametrize("key", ["", "short", "with space in the key", "x" * 65])
def test_beginning_needs_a_good_key(live: LiveService, sitting: str, key: str) -> None:
    """Without a usable key a retry could begin a second deposit: refused."""
    body = {"sitting": sitting, "sitting_sha256": live.sittings[sitting].digest}
    response = post(live.client(live.people["nadia"]), f"{API}/deposits", body, key=key)
    assert code_of(response) == (400, "invalid-request")


def test_only_depositors_deposit(live: LiveService, sitting: str) -> None:
    """Members, auditors and the registrar begin nothing."""
    for who in (live.people["claire"], live.people["irene"], None):
        body = {"sitting": sitting, "sitting_sha256": live.sittings[sitting].digest}
        response = post(live.client(who), f"{API}/deposits", body, key=live.new_id())
        assert response.status_code == 403


# --- parts ----------------------------------------------------------------------------------------


def test_a_part_may_come_twice_and_never_change(live: LiveService, sitting: str) -> None:
    """The same part again is fine; another content under its number is refused, the first stays."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    assert live.put(nadia, drawn.deposit, 1, drawn.payload).status_code == 204
    assert live.put(nadia, drawn.deposit, 1, drawn.payload).status_code == 204
    changed = live.put(nadia, drawn.deposit, 1, drawn.payload[:-1] + b"!")
    assert code_of(changed) == (409, "object-conflict")
    assert live.commit_by_http(nadia, drawn).status_code == 201


def test_a_part_needs_its_own_digest(live: LiveService, sitting: str) -> None:
    """A missing, malformed or different Content-Digest keeps nothing."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    other = encode_base64(bytes.fromhex(sha256(b"other")))
    for header in (f"sha-256=:{other}:", "", "sha-256=nonsense", "md5=:aaaa:", "x" * 500):
        response = live.put(nadia, drawn.deposit, 1, drawn.payload, Content_Digest=header)
        assert code_of(response) == (400, "invalid-request"), header
    assert live.commit_by_http(nadia, drawn).status_code in {400, 409}


def test_a_truncated_part_keeps_nothing(live: LiveService, sitting: str) -> None:
    """A body shorter than announced is an error, also where its digest would be right."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    half = drawn.payload[: len(drawn.payload) // 2]
    digest = encode_base64(bytes.fromhex(sha256(half)))
    response = live.client(nadia).put(
        f"{API}/deposits/{drawn.deposit}/parts/1",
        base_url=URL,
        input_stream=io.BytesIO(half),
        headers={"Origin": URL, "Content-Digest": f"sha-256=:{digest}:"},
        environ_overrides={"CONTENT_LENGTH": str(len(drawn.payload))},
    )
    assert code_of(response) == (400, "incomplete-body")
    assert live.put(nadia, drawn.deposit, 1, drawn.payload).status_code == 204
    assert live.commit_by_http(nadia, drawn).status_code == 201


def test_a_part_announces_its_length(live: LiveService, sitting: str) -> None:
    """A chunked upload cannot be told from a truncated one: refused."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    response = live.client(nadia).put(
        f"{API}/deposits/{drawn.deposit}/parts/1",
        base_url=URL,
        input_stream=io.BytesIO(drawn.payload),
        headers={
            "Origin": URL,
            "Transfer-Encoding": "chunked",
            "Content-Digest": f"sha-256=:{encode_base64(bytes(32))}:",
        },
    )
    assert code_of(response) == (411, "length-required")


def test_a_part_has_a_limit(live: LiveService, sitting: str) -> None:
    """One byte more than a part is refused before it is read."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    response = live.put(nadia, drawn.deposit, 1, bytes(PART_BYTES + 1))
    assert code_of(response) == (413, "too-large")


def test_nobody_sends_into_anothers_deposit(live: LiveService, sitting: str) -> None:
    """For another depositor the deposit does not exist."""
    drawn = live.draw_up(live.people["nadia"], sitting, live.people["claire"])
    intruder = live.put(live.people["paul"], drawn.deposit, 1, drawn.payload)
    absent = live.put(live.people["paul"], live.new_id(), 1, drawn.payload)
    assert code_of(intruder) == code_of(absent) == (404, "not-found")
    assert intruder.json["detail"] == absent.json["detail"]  # type: ignore[index]


# --- commit ---------------------------------------------------------------------------------------


def test_a_commit_is_logged_before_it_is_acknowledged(live: LiveService, sitting: str) -> None:
    """The receipt proves the deposit under a checkpoint that counts; a retry proves the same event."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"], size=50_000)
    live.put(nadia, drawn.deposit, 1, drawn.payload)
    first, again = live.commit_by_http(nadia, drawn), live.commit_by_http(nadia, drawn)
    assert (first.status_code, again.status_code) == (201, 201)
    assert live.log_policy is not None
    proofs = [
        verify_receipt(each.json["receipt"].encode(), live.log_policy)  # type: ignore[index]
        for each in (first, again)
    ]
    assert proofs[0].index == proofs[1].index
    assert proofs[0].details.cites["manifest"] == drawn.manifest.digest


def test_a_commit_moves_the_deposit_in_its_lifecycle(live: LiveService, sitting: str) -> None:
    """A committed deposit stands as committed in the database: grants, endings and sweeps rely on it."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    live.put(nadia, drawn.deposit, 1, drawn.payload)
    assert live.commit_by_http(nadia, drawn).status_code == 201
    with live.wired.service.transactions() as work:
        record = work.deposits.get(drawn.deposit)
    assert record is not None
    assert record.state == "committed"


def test_a_commit_of_other_bytes_is_refused(live: LiveService, sitting: str) -> None:
    """A manifest that does not describe the bytes sent commits nothing."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    live.put(nadia, drawn.deposit, 1, drawn.payload + b"more")
    before = live.log.checkpoint()
    assert live.commit_by_http(nadia, drawn).status_code in {400, 409}
    assert before is not None
    now = live.log.checkpoint()
    assert now is not None
    assert Checkpoint.of_note(now).size == Checkpoint.of_note(before).size


def test_envelopes_are_what_the_manifest_says(live: LiveService, sitting: str) -> None:
    """A swapped, cut or missing envelope commits nothing."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    live.put(nadia, drawn.deposit, 1, drawn.payload)
    first, last = drawn.envelopes
    for envelopes in ([first], [first, first], [first, last[:-1]], [first, last, last]):
        tampered = replace(drawn, envelopes=envelopes)
        response = live.commit_by_http(nadia, tampered)
        assert response.status_code in {400, 409}, len(envelopes)
    assert live.commit_by_http(nadia, drawn).status_code == 201


def test_an_unfinished_deposit_cannot_be_read(live: LiveService, sitting: str) -> None:
    """Parts without a commit are readable by nobody."""
    nadia = live.people["nadia"]
    drawn = live.draw_up(nadia, sitting, live.people["claire"])
    live.put(nadia, drawn.deposit, 1, drawn.payload)
    for who in (nadia, live.people["claire"], live.people["irene"], None):
        response = get(live.client(who), f"{API}/deposits/{drawn.deposit}/payload")
        assert response.status_code in {403, 404}


def test_nothing_readable_is_left_in_the_instance(live: LiveService, sitting: str) -> None:
    """What was refused or never committed leaves no object behind; what was committed stays whole."""
    names = list(live.wired.service.objects.names())
    with live.wired.service.transactions() as work:
        kept = {each.object_name for each in work.deposits.of_sitting(sitting)} - {None}
    assert set(names) == kept
