"""What a recused member can learn through the real HTTP interface, with a real certificate: nothing.

The recused person walks over everything that the service answers, before and after things happened to
the dossier: what it says must be the same, to the octet where octets could count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from audit.receipts import disclosed_by
from audit.tiles import parse_bundle
from crypto.encoding import encode_base64
from crypto.statements import STATEMENT_TYPES, parse_any
from crypto.statements.exchange import Grant, Kind, Purpose, Recusal
from crypto.statements.registry import DECOY_STEP
from tests.support.broker_world_deposits import Deposit
from tests.support.broker_world_registry import Person
from tests.support.live_service import API, LiveScene, get, live_scene, post, put

STRUCTURAL, PERSONAL = "recused by seat", "stepped aside"
OF_ONESELF = ("login", "access-request", "status")
"""What grows with each request of one's own."""

BEFORE, DURING = 1, 5
"""Days after the convocation: deposits are received until the third, it opens on the fourth."""


def watching(directory: Path, kind: str, days: int) -> Watcher:
    """Somebody recused from ``scene.deposit``, by law or by their own statement."""
    scene = live_scene(directory, days)
    who = scene.live.people["odile"] if kind == STRUCTURAL else scene.member
    if kind == PERSONAL:
        scene.live.recuse(who, scene.sitting, scene.deposit)
    return Watcher(scene, who)


@pytest.fixture(params=[STRUCTURAL, PERSONAL])
def watcher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watcher]:
    """While the sitting is open; complements and cards come before it opens."""
    happens = request.node.callspec.params.get("happens")
    made = watching(tmp_path, request.param, BEFORE if happens in {completed, carded} else DURING)
    yield made
    made.scene.live.shut()


class Watcher:
    """A recused person with a browser and patience."""

    def __init__(self, scene: LiveScene, who: Person) -> None:
        self.scene, self.who = scene, who

    def hidden(self) -> tuple[str, ...]:
        """Names of the dossier and of all that belongs to it."""
        made = self.scene.deposit
        return made.dossier, made.deposit, made.manifest.digest, made.release_key.digest

    def pages(self) -> list[str]:
        """Every route by which something could be read, with what is known of the dossier."""
        sitting, made = self.scene.sitting, self.scene.deposit
        kinds = (kind.TYPE for kind in STATEMENT_TYPES.values())
        nonce = encode_base64(bytes(32)).replace("+", "%2B")
        return [
            f"{API}/sittings",
            f"{API}/sittings/{sitting}",
            *(f"{API}/statements?type={kind}" for kind in kinds if kind not in OF_ONESELF),
            f"{API}/statements?type=withdrawal&dossier={made.dossier}",
            f"{API}/statements?type=manifest&dossier={made.dossier}",
            f"{API}/statements?type=release-key&deposit={made.deposit}",
            f"{API}/statements?type=grant&manifest={made.manifest.digest}",
            f"{API}/statements/{made.manifest.digest}",
            f"{API}/statements/{made.release_key.digest}",
            f"{API}/deposits/{made.deposit}/payload",
            f"{API}/status?nonce={nonce}&sitting={sitting}",
            f"{API}/disclosures",
            f"{API}/broker/record",
        ]

    def walk(self) -> dict[str, Any]:
        """What each route says, without what is of this very reading or of the log's length alone."""
        client = self.scene.live.client(self.who)
        return {page: _said(get(client, page)) for page in self.pages()}

    def work(self) -> int:
        """How many look-ups of statements the sitting's page takes."""
        asked = 0

        def count(_c: Any, _k: Any, text: str, *_rest: Any) -> None:
            nonlocal asked
            asked += "FROM statements" in text or "FROM agenda_openings" in text

        client = self.scene.live.client(self.who)
        event.listen(Engine, "before_cursor_execute", count)
        try:
            answer = get(client, f"{API}/sittings/{self.scene.sitting}")
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        assert answer.status_code == 200
        return asked

    def asks(self) -> Any:
        """A signed request for the dossier: the code, the reason and the sentence."""
        request = self.scene.live.request(self.who, self.scene.sitting, self.scene.deposit)
        answer = self.scene.live.ask(self.who, request)
        (refusal,) = (answer.json or {})["refusals"]
        return answer.status_code, refusal["reason"], refusal["message"]


def _said(response: Any) -> Any:
    """Status, and the content with its length; receipts grow with the log and name its size alone."""
    if response.content_type == "application/problem+json":
        body = {name: value for name, value in response.json.items() if name != "instance"}
        return response.status_code, body
    body = response.json
    if body is None:
        return response.status_code, response.content_type
    stripped = _without(body)
    return response.status_code, len(json.dumps(stripped)), stripped


def _without(body: Any) -> Any:
    """Receipts left out; of each agenda version its number of items alone."""
    if isinstance(body, list):
        kept = [_without(each) for each in body]
        # How many versions an agenda has is known to all: it says that something, not what, changed.
        return [each for at, each in enumerate(kept) if each not in kept[:at]]
    if not isinstance(body, dict):
        return body
    if "envelope" in body:
        statement = parse_any(body["envelope"].encode()).statement
        if statement.TYPE == "agenda":
            return {"agenda": len(statement.items)}  # type: ignore[attr-defined]
        return body["envelope"]
    if "openings" in body:
        return sorted(each["item"] for each in body["openings"])
    if "status" in body and len(body) == 1:
        return "status"
    return {name: _without(value) for name, value in body.items() if name != "receipt"}


# --- what happens to the dossier -----------------------------------------------------------------


def completed(scene: LiveScene) -> None:
    """A complement, and a new agenda that lists it."""
    added(scene)


def carded(scene: LiveScene) -> None:
    """A conflict card, and a new agenda that lists it."""
    added(scene, kind=Kind.CONFLICT_CARD)


def added(scene: LiveScene, **changes: Any) -> None:
    live = scene.live
    drawn = live.draw_up(
        scene.depositor,
        scene.sitting,
        *(() if live.index.find(Recusal) else (scene.member,)),
        dossier=scene.deposit.dossier,
        pathway=scene.deposit.manifest.statement.pathway,
        complement_of=scene.deposit.manifest.digest,
        **changes,
    )
    assert live.put(scene.depositor, drawn.deposit, 1, drawn.payload).status_code == 204
    done = live.commit_by_http(scene.depositor, drawn)
    assert done.status_code == 201, done.text
    live.keep(drawn.manifest, len(live.attested))
    more = Deposit(
        drawn.deposit, scene.deposit.dossier, drawn.manifest, drawn.key, {}, {}, drawn.file_key
    )
    live.publish_agenda(scene.sitting, scene.deposit, more, scene.other)


def granted(scene: LiveScene) -> None:
    """A late envelope for a colleague of the depositor, and one for a member."""
    live, made = scene.live, scene.deposit
    made_for = [
        live.envelope(made.release_key, made.file_key, who, purpose)
        for who, purpose in ((scene.depositor, Purpose.GRANT), (scene.member, Purpose.READ))
    ]
    grant = live.by(
        scene.depositor,
        Grant,
        manifest=made.manifest.digest,
        release_key_sha256=made.release_key.digest,
        envelopes=tuple(entry for entry, _header, _envelope in made_for),
        reason="appareil remplacé",
    )
    body = {
        "grant": grant.envelope.decode(),
        "envelopes": [encode_base64(envelope) for _e, _h, envelope in made_for],
    }
    path = f"{API}/deposits/{made.deposit}/envelopes"
    done = post(live.client(scene.depositor), path, body)
    assert done.status_code == 201, done.text


def listed_anew(scene: LiveScene) -> None:
    """The same agenda, signed again."""
    scene.live.publish_agenda(scene.sitting, scene.deposit, scene.other)


def struck_off(scene: LiveScene) -> None:
    """An agenda without the dossier."""
    scene.live.publish_agenda(scene.sitting, scene.other)


def withdrawn(scene: LiveScene) -> None:
    """The association withdraws it, and the agenda is signed again without it."""
    scene.live.withdraw(scene.depositor, scene.deposit)
    scene.live.publish_agenda(scene.sitting, scene.other)


HAPPENED: tuple[Callable[[LiveScene], None], ...] = (
    completed,
    carded,
    granted,
    listed_anew,
    struck_off,
    withdrawn,
)


@pytest.mark.parametrize("happens", HAPPENED)
def test_nothing_tells_what_became_of_the_dossier(
    watcher: Watcher, happens: Callable[[LiveScene], None]
) -> None:
    """Lists, counts, lengths, errors and refusals are the same before and after; and so is the work
    for the sitting's page, whose time could be measured.
    """
    answer, before = watcher.asks(), watcher.walk()
    work = watcher.work()
    happens(watcher.scene)
    assert watcher.work() == work
    after = watcher.walk()
    for page, said in before.items():
        assert after[page] == said, page
    assert watcher.asks() == answer


def test_nothing_names_the_dossier(watcher: Watcher) -> None:
    """No answer holds the dossier's reference, its deposit, its manifest or its key.

    Whoever stepped aside knows the reference, which stands in their own recusal and declaration, and
    nothing besides.
    """
    own = {"declaration", "recusal", "access-request"}
    for page in watcher.pages():
        response = get(watcher.scene.live.client(watcher.who), page)
        body = response.json if isinstance(response.json, dict) else {}
        shown = [
            parse_any(each["envelope"].encode()).statement
            for each in (*body.get("statements", ()), *body.get("sittings", ()))
        ]
        texts = [
            each.model_dump_json()
            for each in shown
            if not (each.TYPE in own and each.signer == watcher.who.certificate)
        ]
        texts.append(json.dumps(body.get("agenda")))
        for name in watcher.hidden():
            assert not any(name in text for text in texts), (page, name)


def test_the_log_gives_the_recused_their_own_receipts_alone(watcher: Watcher) -> None:
    """Of every other entry one hears what one hears of an entry that does not exist; leaves say a day."""
    scene = watcher.scene
    withdrawn(scene)
    client = scene.live.client(watcher.who)
    note = get(client, "/log/checkpoint").data.splitlines()
    size = int(note[1])
    own, others = [], set()
    for index in range(size + 3):
        answer = get(client, f"{API}/receipts/{index}")
        if answer.status_code == 200:
            own.append(disclosed_by(answer.data).details)
        else:
            others.add((answer.status_code, answer.json["detail"]))
    assert len(others) == 1
    assert len(own) < size / 2
    assert all(watcher.who.certificate.encode() in details for details in own)
    tile = get(client, f"/log/tile/entries/000.p/{size % 256}").data
    leaves = parse_bundle(tile, size % 256)
    assert {len(each) for each in leaves} == {86}


def test_a_depositors_routes_tell_the_recused_nothing(watcher: Watcher) -> None:
    """A deposit that exists and one that does not: the same refusal at each route that names it."""
    scene, client = watcher.scene, watcher.scene.live.client(watcher.who)
    body = {"sitting_sha256": scene.live.sittings[scene.sitting].digest}
    manifest = {"manifest": scene.deposit.manifest.envelope.decode(), "envelopes": ["AAAA"]}

    def tries(deposit: str) -> list[Any]:
        path = f"{API}/deposits/{deposit}"
        answers = [
            post(client, f"{path}/release-key", body),
            post(client, f"{path}/commit", manifest, key="k"),
            post(
                client, f"{path}/envelopes", {"grant": manifest["manifest"], "envelopes": ["AAAA"]}
            ),
            put(client, f"{path}/parts/1", b"x"),
            get(client, f"{path}/payload"),
        ]
        return [(each.status_code, each.json["code"], each.json["detail"]) for each in answers]

    known, unknown = tries(scene.deposit.deposit), tries(scene.live.new_id())
    assert known == unknown
    assert all(status >= 400 for status, _code, _detail in known)


def test_the_agenda_says_neither_how_many_nor_where(watcher: Watcher) -> None:
    """Commitments: one number for every sitting, none of a version found in the next, one item open."""
    live, sitting = watcher.scene.live, watcher.scene.sitting
    live.publish_agenda(sitting, watcher.scene.other)
    body = get(live.client(watcher.who), f"{API}/sittings/{sitting}").json
    assert body is not None
    statements = [parse_any(each["envelope"].encode()).statement for each in body["statements"]]
    versions = [each.items for each in statements if each.TYPE == "agenda"]  # type: ignore[attr-defined]
    assert [len(items) for items in versions] == [DECOY_STEP, DECOY_STEP]
    assert not set(versions[0]) & set(versions[1])
    assert all(list(items) == sorted(items) for items in versions)
    (only,) = body["agenda"]["openings"]
    assert watcher.scene.other.dossier in only["item"]


def test_decoys_are_opened_to_those_from_whom_nothing_is_kept(tmp_path: Path) -> None:
    """Registrar and an unrecused member see all commitments opened; each association its own dossier."""
    scene = live_scene(tmp_path)
    live = scene.live

    def opened(who: Person | None) -> list[str]:
        body = get(live.client(who), f"{API}/sittings/{scene.sitting}").json
        assert body is not None
        return [each["item"] for each in body["agenda"]["openings"]]

    assert len(opened(scene.member)) == len(opened(None)) == DECOY_STEP
    for name, dossier in (("nadia", scene.deposit.dossier), ("paul", scene.other.dossier)):
        (own,) = opened(live.people[name])
        assert dossier in own
    live.shut()


# --- a recusal ends everything at once -------------------------------------------------------------


def test_a_recusal_ends_what_was_begun(tmp_path: Path) -> None:
    """Ranges, the same request again, a new one and a late grant: refused from that moment on."""
    scene = live_scene(tmp_path)
    live, member, made = scene.live, scene.member, scene.deposit
    request = live.request(member, scene.sitting, made)
    key = live.new_id()
    assert len((live.ask(member, request, key).json or {})["releases"]) == 1
    assert live.read(member, made, "bytes=0-99").status_code == 206
    live.recuse(member, scene.sitting, made)
    assert live.read(member, made, "bytes=100-199").status_code == 403
    assert live.read(member, made).status_code == 403
    for again in (request, live.request(member, scene.sitting, made)):
        for used in (key, live.new_id()):
            answer = live.ask(member, again, used)
            refusals = (answer.json or {}).get("refusals", [])
            assert [each["reason"] for each in refusals] in (["recused"], []), answer.text
            assert not (answer.json or {}).get("releases")
    granted(scene)
    answer = live.ask(member, live.request(member, scene.sitting, made))
    assert [each["reason"] for each in (answer.json or {})["refusals"]] == ["recused"]
    live.shut()


def test_the_others_read_on(tmp_path: Path) -> None:
    """A recusal takes one dossier from one person."""
    scene = live_scene(tmp_path)
    live, member = scene.live, scene.member
    live.recuse(member, scene.sitting, scene.deposit)
    answer = live.ask(member, live.request(member, scene.sitting, scene.other))
    assert len((answer.json or {})["releases"]) == 1
    live.shut()
