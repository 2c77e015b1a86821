"""A hostile server against a member's client: another past, or another present, than all others see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError, InconsistentLogError, LogVerificationError
from crypto.errors import CryptoError, ExplainedError
from exchange.client.errors import NotTrustworthyError
from exchange.client.pack_get import get_pack
from exchange.usecases import facts
from tests.support.client_world import Scene, restore, snapshot
from tests.support.pack_attempts import in_release, refused


def flip(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


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
