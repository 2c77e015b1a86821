"""The log's files and proofs over HTTP, as third parties read them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from audit.checkpoint import Checkpoint
from audit.merkle import leaf_hash, verify_consistency
from audit.receipts import verify_receipt
from audit.tiles import TilePath
from tests.support.live_service import API, LiveScene, get, live_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveScene]:
    made = live_scene(tmp_path_factory.mktemp("log"))
    yield made
    made.live.shut()


def published(scene: LiveScene) -> Checkpoint:
    response = get(scene.live.anonymous(), "/log/checkpoint")
    assert response.status_code == 200
    assert scene.live.log_policy is not None
    return scene.live.log_policy.verify_checkpoint(response.data).checkpoint


def test_the_checkpoint_is_public_and_short_lived(scene: LiveScene) -> None:
    """Anybody gets the cosigned checkpoint, as text, cached for seconds only."""
    response = get(scene.live.anonymous(), "/log/checkpoint")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=2"
    assert published(scene).size > 20


def test_tiles_hold_the_published_tree(scene: LiveScene) -> None:
    """The level 0 tile is the hashes of the entries tile, octets that never change."""
    client = scene.live.client(scene.live.people["irene"])
    size = published(scene).size
    hashes = get(client, f"/log/{TilePath(0, 0, size)}")
    entries = get(client, f"/log/{TilePath(None, 0, size)}")
    assert hashes.content_type == entries.content_type == "application/octet-stream"
    for response in (hashes, entries):
        assert "immutable" in response.headers["Cache-Control"]
        assert "private" in response.headers["Cache-Control"]
    leaves, rest = [], entries.data
    while rest:
        length = int.from_bytes(rest[:2], "big")
        leaves.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    assert b"".join(leaf_hash(leaf) for leaf in leaves) == hashes.data
    assert len(leaves) == size


@pytest.mark.parametrize(
    "path",
    [
        "0/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/0",
        "0/001.p/1",
        "64/000",
        "entries/000",
        "x",
        "../../x",
    ],
)
def test_tiles_that_are_not_there(scene: LiveScene, path: str) -> None:
    """Full tiles of a short log, wrong spellings and foreign paths are not found."""
    client = scene.live.client(scene.live.people["irene"])
    assert get(client, f"/log/tile/{path}").status_code == 404


def test_tiles_need_a_login(scene: LiveScene) -> None:
    """A stranger gets no tile."""
    assert get(scene.live.anonymous(), "/log/tile/0/000.p/1").status_code == 401


def test_consistency_is_anonymous_and_holds(scene: LiveScene) -> None:
    """Anybody can check that an older checkpoint lies in the newer one."""
    older = published(scene)
    scene.live.log_in(scene.live.anonymous(), scene.member)
    newer = published(scene)
    assert newer.size > older.size
    response = get(
        scene.live.anonymous(), f"{API}/log/consistency?from={older.size}&to={newer.size}"
    )
    assert response.content_type == "text/plain; charset=utf-8"
    proof = [base64.b64decode(line) for line in response.data.split()]
    verify_consistency(older.size, newer.size, older.root, newer.root, proof)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=0&to=999999", 404),
        ("from=5&to=3", 404),
        ("from=-1&to=3", 400),
        ("from=1", 400),
        ("", 400),
        ("from=٣&to=4", 400),
        ("from=1&to=99999999999999999999", 400),
    ],
)
def test_impossible_proofs(scene: LiveScene, query: str, status: int) -> None:
    """Sizes that the log does not have, or that are no sizes, are explained and not a fault."""
    response = get(scene.live.anonymous(), f"{API}/log/consistency?{query}")
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_receipts_are_for_those_concerned(scene: LiveScene) -> None:
    """The acting party and auditors get the receipt of an event; another member does not."""
    live = scene.live
    answer = live.log_in(live.anonymous(), scene.member).json
    assert answer is not None
    assert live.log_policy is not None
    index = verify_receipt(answer["receipt"].encode(), live.log_policy).index
    own = get(live.client(scene.member), f"{API}/receipts/{index}")
    assert own.status_code == 200
    assert own.content_type == "text/plain; charset=utf-8"
    assert verify_receipt(own.data, live.log_policy).index == index
    auditor = get(live.client(live.people["irene"]), f"{API}/receipts/{index}")
    assert auditor.status_code == 200
    for other in (live.people["odile"], scene.depositor):
        assert get(live.client(other), f"{API}/receipts/{index}").status_code in {403, 404}
    assert get(live.client(scene.member), f"{API}/receipts/999999").status_code == 404


def test_disclosures_are_for_auditors_and_complete(scene: LiveScene) -> None:
    """An auditor gets every entry up to a checkpoint that includes this very reading; others none."""
    live = scene.live
    for other in (scene.member, scene.depositor, None):
        assert get(live.client(other), f"{API}/disclosures").status_code == 403
    response = get(live.client(live.people["irene"]), f"{API}/disclosures")
    assert response.content_type == "application/x-ndjson"
    first, *entries, last = [json.loads(line) for line in response.data.splitlines()]
    size = Checkpoint.of_note(first["checkpoint"].encode()).size
    assert last == {"end": True}
    indexed = [each["index"] for each in entries if "leaf" in each]
    assert indexed == list(range(size))
    details = json.loads(base64.b64decode([e for e in entries if "leaf" in e][-1]["details"]))
    assert details["type"] == "disclosure.read"


def test_the_brokers_record_is_for_auditors(scene: LiveScene) -> None:
    """The broker's own record goes to auditors and to nobody else."""
    live = scene.live
    answer = get(live.client(live.people["irene"]), f"{API}/broker/record").json
    assert answer is not None
    assert answer["entries"].count("\n") >= 2
    for other in (scene.member, scene.depositor):
        assert get(live.client(other), f"{API}/broker/record").status_code == 403


def test_a_restarted_service_goes_on_where_it_was(scene: LiveScene) -> None:
    """Another process over the same files extends the same log."""
    before = published(scene)
    again = scene.live.wire()
    note = again.log.integrate()
    assert Checkpoint.of_note(note).size >= before.size
    again.close()
