"""A hostile server against a member's client: what is sent wrong is refused, and leaves nothing."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError, InconsistentLogError, LogVerificationError
from audit.events import EventType
from crypto.age.encrypt import encrypt_to
from crypto.edge.seal import header_for
from crypto.encoding import encode_base64
from crypto.errors import BadSignatureError, CryptoError, ExplainedError
from crypto.keys import FileKey, PartySigningSeed
from crypto.statements import parse, seal
from crypto.statements.custody import Emergency
from crypto.statements.exchange import AccessRequest
from crypto.statements.registry import Certificate, TrustPolicy
from crypto.trust import Trust
from exchange.client.errors import NotTrustworthyError
from exchange.client.pack_get import get_pack
from exchange.client.pack_open import open_pack
from exchange.usecases import facts
from tests.support.client_world import SECRET, Scene, ready, restore, snapshot


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return ready(tmp_path)


def refused(
    scene: Scene, kind: type[ExplainedError] | tuple[type[ExplainedError], ...]
) -> ExplainedError:
    """The error of a member's ``pack get``, which must have written nothing at all."""
    target = scene.folder / "packs"
    target.mkdir(exist_ok=True)
    with pytest.raises(kind) as caught:
        get_pack(scene.desk("claire"), scene.sitting, target / "pack.tar")
    assert list(target.iterdir()) == []
    assert str(caught.value)
    return caught.value


def opened(scene: Scene, pack: Path, out: Path) -> Any:
    world = scene.server.world
    return open_pack(pack, out, world.trust, scene.person("claire").identity, world.now)


def test_honest_path(scene: Scene, tmp_path: Path) -> None:
    """With an honest server the pack is taken, opened, and holds the pieces bit for bit."""
    out = tmp_path / "pack.tar"
    done = get_pack(scene.desk("claire"), scene.sitting, out)
    assert len(done.references) == 1
    assert done.refused == ()
    result = opened(scene, out, tmp_path / "out")
    assert result.dossiers[0].files == 2
    folder = tmp_path / "out" / result.dossiers[0].folder
    assert (folder / "demande.txt").read_bytes() == SECRET
    assert (folder / "pieces" / "piece 1.txt").read_bytes() == SECRET * 3000


def test_no_plaintext_reached_the_server(scene: Scene) -> None:
    """Nothing that the clients sent holds a piece's content or a file's name."""
    get_pack(scene.desk("claire"), scene.sitting, scene.folder / "pack.tar")
    sent = b"".join(request.body or b"" for request in scene.server.requests)
    assert SECRET.strip() not in sent
    assert b"demande.txt" not in sent
    assert b"demande.txt" not in base64.b64encode(sent)


# --- the anchor and the chain -----------------------------------------------------------------


def test_other_commission(scene: Scene) -> None:
    """A server of another commission is refused by its trust alone."""

    def lie(answer: Any) -> Any:
        return {**answer, "trust": {**answer["trust"], "commission": "a" * 26}}

    scene.server.lies["trust"] = lie
    refused(scene, NotTrustworthyError)


def test_policy_of_another_root(scene: Scene) -> None:
    """A trust policy that another root signed is refused."""
    policy = scene.server.world.trust_policy()
    forged = seal(policy.statement, [PartySigningSeed.generate(os.urandom)])

    def lie(answer: Any) -> Any:
        items = [{**answer["policies"][0], "envelope": forged.envelope.decode()}]
        return {**answer, "policies": items}

    scene.server.lies["trust"] = lie
    refused(scene, BadSignatureError)


def test_an_emergency_that_the_log_does_not_show(scene: Scene) -> None:
    """A true emergency under another event's receipt is refused: it would lower the quorum unseen."""
    world = scene.server.world
    signed = world.by_registrar(
        Emergency, quorum=0, expires_at=world.now + timedelta(days=1), reason="panne"
    )
    shown = {"envelope": signed.envelope.decode(), "receipt": world.receipt(2).decode()}
    scene.server.lies["trust"] = lambda answer: {**answer, "emergencies": [shown]}
    refused(scene, NotTrustworthyError)


def test_policies_withheld(scene: Scene) -> None:
    """Without any trust policy, nothing is trusted."""
    scene.server.lies["trust"] = lambda answer: {**answer, "policies": []}
    refused(scene, (NotTrustworthyError, CryptoError))


def test_newer_policy_withheld(scene: Scene) -> None:
    """A policy version that the broker applies and the server hides is noticed."""
    world = scene.server.world
    world.publish_trust(2)
    scene.server.lies["trust"] = lambda answer: {**answer, "policies": answer["policies"][:1]}
    refused(scene, NotTrustworthyError)


# --- receipts and the log ---------------------------------------------------------------------


def flip(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def in_release(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def lie(answer: Any) -> Any:
        return {**answer, "releases": [change(each) for each in answer["releases"]]}

    return lie


@pytest.mark.parametrize("part", ["extra", "proof", "root", "signature"])
def test_changed_receipt(scene: Scene, part: str) -> None:
    """A receipt with any one part changed is refused."""

    def change(release: Any) -> Any:
        lines = release["receipt"].split("\n")
        head = lines.index("") + 1
        row = {"extra": 1, "proof": 3, "root": head + 2, "signature": len(lines) - 2}[part]
        lines[row] = flip(lines[row], len(lines[row]) // 2)
        return {**release, "receipt": "\n".join(lines)}

    scene.server.lies["release"] = in_release(change)
    refused(scene, (AuditError, CryptoError))


def test_receipt_of_another_event(scene: Scene) -> None:
    """A true receipt of another event does not authorise a release."""
    world = scene.server.world

    def change(release: Any) -> Any:
        return {**release, "receipt": world.receipt(3).decode()}

    scene.server.lies["release"] = in_release(change)
    refused(scene, NotTrustworthyError)


def test_receipt_of_an_earlier_request(scene: Scene) -> None:
    """Yesterday's authorisation of the same dossier is no receipt of today's request."""
    kept: list[str] = []

    def remember(release: Any) -> Any:
        kept.append(release["receipt"])
        return release

    scene.server.lies["release"] = in_release(remember)
    get_pack(scene.desk("claire"), scene.sitting, scene.folder / "first.tar")
    scene.server.lies["release"] = in_release(lambda each: {**each, "receipt": kept[0]})
    refused(scene, (NotTrustworthyError, InconsistentLogError))


def test_rolled_back_log(scene: Scene) -> None:
    """A log restored from a backup is refused, and both checkpoints are kept as evidence."""
    taken = snapshot(scene, "backup")
    scene.desk("claire")
    scene.server.world.now = scene.server.world.now.replace(second=30)
    restore(scene, taken)
    with pytest.raises(InconsistentLogError) as caught:
        scene.desk("claire")
    folder = caught.value.params["folder"]
    assert isinstance(folder, Path)
    notes = [path.read_bytes() for path in sorted(folder.iterdir())]
    assert notes == [caught.value.params["older"], caught.value.params["newer"]]


def test_forked_log(scene: Scene) -> None:
    """Another history, longer than the one seen, is refused."""
    taken = snapshot(scene, "backup")
    scene.desk("claire")
    restore(scene, taken)
    for name in ("martin", "odile", "nadia"):
        scene.desk(name)
    error = refused_login(scene)
    assert isinstance(error, InconsistentLogError)


def refused_login(scene: Scene) -> ExplainedError:
    with pytest.raises(ExplainedError) as caught:
        scene.desk("claire")
    return caught.value


def test_consistency_proof_of_another_log(scene: Scene) -> None:
    """A wrong consistency proof is refused, even for an honest checkpoint."""
    scene.server.lies["consistency"] = lambda proof: proof[45:]
    assert isinstance(refused_login(scene), LogVerificationError)


# --- the status -------------------------------------------------------------------------------


def test_replayed_status(scene: Scene) -> None:
    """A status that answers an earlier nonce is refused."""
    kept: list[Any] = []

    def replay(answer: Any) -> Any:
        kept.append(answer)
        return kept[0]

    scene.server.lies["status"] = replay
    desk = scene.desk("claire")
    desk.load_sitting(scene.sitting)
    desk.status(scene.sitting)
    refused(scene, NotTrustworthyError)


def test_lower_status_number(scene: Scene) -> None:
    """A broker restored from a copy signs lower numbers: its statuses are refused."""
    desk = scene.desk("claire")
    desk.load_sitting(scene.sitting)
    taken = snapshot(scene, "copy")
    for _ in range(5):
        desk.status(scene.sitting)
    world = scene.server.world
    restore(scene, taken)
    with pytest.raises(NotTrustworthyError):
        desk.status(scene.sitting)
    assert world is scene.server.world


def test_hidden_agenda(scene: Scene) -> None:
    """An agenda version that the server hides is noticed by the broker's status."""
    scene.agenda()

    def lie(answer: Any) -> Any:
        newest = facts.latest_agenda(scene.server.world.index, scene.sitting)
        assert newest is not None
        hidden = scene.server.world.envelopes[newest.digest].decode()
        kept = [each for each in answer["statements"] if each["envelope"] != hidden]
        return {"statements": kept, "agenda": None}

    scene.server.lies["sitting"] = lie
    refused(scene, NotTrustworthyError)


def _openings(scene: Scene, change: Any) -> None:
    def lie(answer: Any) -> Any:
        shown = answer["agenda"]
        return {**answer, "agenda": {**shown, "openings": change(list(shown["openings"]))}}

    scene.server.lies["sitting"] = lie


def test_hidden_agenda_item(scene: Scene) -> None:
    """A member whom nothing keeps from any dossier notices when a line of the agenda is hidden."""
    _openings(scene, lambda shown: [each for each in shown if each["item"] == "null"])
    assert "caché" in str(refused(scene, NotTrustworthyError))


def test_hidden_decoy(scene: Scene) -> None:
    """Nor can one decoy be left out, which might be a dossier for all that this member knows."""
    _openings(scene, lambda shown: [each for each in shown if each["item"] != "null"])
    assert "caché" in str(refused(scene, NotTrustworthyError))


def test_invented_agenda_item(scene: Scene) -> None:
    """A line that the registrar did not commit to is not believed."""
    _openings(
        scene,
        lambda shown: [
            {**each, "item": each["item"].replace('"rank":', '"rank":1')} for each in shown
        ],
    )
    refused(scene, CryptoError)


# --- headers, payloads, manifests -------------------------------------------------------------


def test_header_of_another_file_key(scene: Scene) -> None:
    """A header made by the server for this very member is not the one that was signed."""
    claire = scene.person("claire")

    def lie(answer: Any) -> Any:
        body = json.loads(scene.server.requests[-1].body or b"")
        reply_key = parse(AccessRequest, body["request"].encode()).statement.reply_key
        header = header_for(FileKey.generate(os.urandom), claire.identity.recipient, os.urandom)
        sealed = encode_base64(encrypt_to(header, reply_key, os.urandom))
        return {**answer, "releases": [{**each, "header": sealed} for each in answer["releases"]]}

    scene.server.lies["release"] = lie
    refused(scene, NotTrustworthyError)


def test_header_not_sealed_to_the_reply_key(scene: Scene) -> None:
    """A header that does not open with this request's own key is refused."""
    other = encode_base64(encrypt_to(b"x", scene.person("martin").identity.recipient, os.urandom))
    scene.server.lies["release"] = in_release(lambda each: {**each, "header": other})
    refused(scene, CryptoError)


def test_release_of_another_deposit(scene: Scene) -> None:
    """An answer for a deposit that was not asked for is refused."""
    scene.server.lies["release"] = in_release(lambda each: {**each, "deposit": "b" * 26})
    refused(scene, NotTrustworthyError)


def test_release_left_out(scene: Scene) -> None:
    """A deposit that was asked for and is passed over in silence is noticed."""
    scene.server.lies["release"] = lambda answer: {**answer, "releases": []}
    refused(scene, NotTrustworthyError)


def at(data: bytes, where: float) -> bytes:
    position = int(len(data) * where)
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    "lie",
    [
        lambda data: at(data, 0.0),
        lambda data: at(data, 0.5),
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[:-1],
        lambda data: data[:-65_552],
        lambda data: data + b"\0",
        lambda data: b"",
    ],
)
def test_changed_payload(scene: Scene, lie: Callable[[bytes], bytes]) -> None:
    """One bit changed, a byte or a chunk less, a byte more: nothing is written."""
    scene.server.lies["payload"] = lie
    refused(scene, NotTrustworthyError)


def test_broken_download_is_taken_up(scene: Scene) -> None:
    """A download that breaks off goes on where it stopped."""
    scene.server.cut = 50_000
    done = get_pack(scene.desk("claire"), scene.sitting, scene.folder / "pack.tar")
    assert len(done.references) == 1
    ranges = [
        each.headers.get("Range") for each in scene.server.requests if "/payload" in each.target
    ]
    assert ranges == [None, "bytes=50000-"]


def test_forged_certificate(scene: Scene) -> None:
    """A certificate signed by the server's own key, under a true receipt, is never taken."""
    world = scene.server.world
    attacker = PartySigningSeed.generate(os.urandom)
    (real,) = [
        each
        for each in world.index.find(Certificate)
        if each.digest == scene.person("martin").certificate
    ]
    forged = seal(
        real.statement.model_copy(
            update={
                "recipient": scene.person("paul").identity.recipient,
                "signing_key": attacker.verify_key(),
            }
        ),
        [attacker],
    )

    def lie(answer: Any) -> Any:
        cites, told = {"statement": forged.digest}, {"type": "certificate"}
        index = world.log_event(EventType.STATEMENT_ACCEPTED, cites, told)
        item = {"envelope": forged.envelope.decode(), "receipt": world.receipt(index).decode()}
        return {**answer, "statements": [*answer["statements"], item]}

    scene.server.lies["sitting"] = lie
    refused(scene, CryptoError)


def test_policy_receipt_must_be_its_own(scene: Scene) -> None:
    """A true policy under a receipt of another event is refused."""
    world = scene.server.world

    def lie(answer: Any) -> Any:
        items = [{**answer["policies"][0], "receipt": world.receipt(2).decode()}]
        return {**answer, "policies": items}

    scene.server.lies["trust"] = lie
    refused(scene, NotTrustworthyError)
    assert world.index.find(TrustPolicy)


def test_other_trust_in_the_profile(scene: Scene, tmp_path: Path) -> None:
    """A pack does not open under another commission's trust."""
    out = tmp_path / "pack.tar"
    get_pack(scene.desk("claire"), scene.sitting, out)
    key = PartySigningSeed.generate(os.urandom).verify_key()
    other = Trust(commission=scene.server.world.trust.commission, root_keys=(key,), threshold=1)
    with pytest.raises(BadSignatureError):
        open_pack(
            out,
            tmp_path / "out",
            other,
            scene.person("claire").identity,
            scene.server.world.now,
        )
    assert not (tmp_path / "out").exists()
