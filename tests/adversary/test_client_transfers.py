"""Parts and payloads: several under way at once, taken up again, and never believed unverified."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.statements.exchange import Kind, Manifest
from exchange.client.deposit import Wanted, make_deposit, plan, resume
from exchange.client.deposit_upload import UPLOAD_WORKERS
from exchange.client.downloads import DOWNLOAD_WORKERS, MAX_RESUMES, PARTIAL_LIFETIME
from exchange.client.errors import InterruptedDownloadError, NotTrustworthyError, TransportError
from exchange.client.pack_get import get_pack
from exchange.client.wire import WireAnswer, WireRequest
from tests.support.client_world import Scene, ready
from tests.support.hostile_server_custody import PART_BYTES

PATIENCE_SECONDS = 10.0
"""For a thread that never comes: only a client that sends one thing after the other waits so long."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return ready(tmp_path)


@pytest.fixture
def sealing(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.open_sitting("claire")
    return scene


def deposit(scene: Scene, parts: int) -> None:
    """A deposit of so many parts, by ``nadia``."""
    folder = scene.folder / "papers" / "long"
    folder.mkdir(parents=True)
    (folder / "scan.bin").write_bytes(os.urandom(PART_BYTES * (parts - 1)))
    desk = scene.desk("nadia")
    wanted = Wanted(scene.sitting, Kind.ENGAGEMENT, (folder,), any_type=True)
    make_deposit(desk, plan(desk, wanted))


def through(scene: Scene, look: Callable[[WireRequest], None]) -> None:
    """Let ``look`` see (or break) each request on its way."""
    honest = scene.server.send

    def send(request: WireRequest) -> WireAnswer:
        look(request)
        return honest(request)

    scene.server.send = send  # type: ignore[method-assign]


def meeting(marker: str, parties: int) -> Callable[[WireRequest], None]:
    """The first ``parties`` requests with ``marker`` in their target wait for each other."""
    barrier, seen, lock = threading.Barrier(parties), 0, threading.Lock()

    def look(request: WireRequest) -> None:
        nonlocal seen
        if marker not in request.target:
            return
        with lock:
            seen += 1
            first = seen <= parties
        if first:
            barrier.wait(PATIENCE_SECONDS)

    return look


def test_parts_leave_together_each_with_its_digest(sealing: Scene) -> None:
    """As many parts as there are workers are on the line at once; each announces its SHA-256."""
    through(sealing, meeting("/parts/", UPLOAD_WORKERS))
    deposit(sealing, parts=9)
    puts = [each for each in sealing.server.requests if each.method == "PUT"]
    assert len(puts) == len({each.target for each in puts}) >= 9
    for each in puts:
        assert each.body
        digest = base64.b64encode(hashlib.sha256(each.body).digest()).decode()
        assert each.headers["Content-Digest"] == f"sha-256=:{digest}:"


def test_only_missing_parts_are_sent_again(sealing: Scene) -> None:
    """A part that never arrives stops the deposit; --resume sends it and what came after, nothing twice."""

    def lost(request: WireRequest) -> None:
        if broken and request.target.endswith("/parts/2"):
            raise TransportError("La connexion s'est interrompue.")

    broken = True
    through(sealing, lost)
    with pytest.raises(TransportError):
        deposit(sealing, parts=9)
    arrived = [each.target for each in sealing.server.requests if each.method == "PUT"]
    assert any(target.endswith("/parts/3") for target in arrived)  # overtook the broken one
    broken = False
    (done,) = resume(sealing.desk("nadia"))
    again = [each.target for each in sealing.server.requests if each.method == "PUT"]
    assert len(again) == len(set(again))
    payload = sealing.server.uploads[done.deposit].payload
    (manifest,) = sealing.server.world.index.find(Manifest)
    assert hashlib.sha256(payload).hexdigest() == manifest.statement.sha256


def test_payloads_come_together(tmp_path: Path) -> None:
    """As many payloads as there are workers are fetched at once; the pack's order is the agenda's."""
    scene = ready(tmp_path / "scene", dossiers=DOWNLOAD_WORKERS + 1)
    through(scene, meeting("/payload", DOWNLOAD_WORKERS))
    done = get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    assert len(done.references) == DOWNLOAD_WORKERS + 1


def test_a_broken_pack_goes_on_where_it_stopped(scene: Scene, tmp_path: Path) -> None:
    """After a line too bad for one command, the next fetches the rest only; then nothing is left."""
    cuts = [10_000, *[1_000] * MAX_RESUMES]

    def cut(request: WireRequest) -> None:
        if "/payload" in request.target:
            scene.server.cut = cuts.pop(0) if cuts else None

    through(scene, cut)
    out = tmp_path / "packs" / "pack.tar"
    out.parent.mkdir()
    with pytest.raises(InterruptedDownloadError) as caught:
        get_pack(scene.desk("claire"), scene.sitting, out)
    assert "relancez" in str(caught.value)
    assert list(out.parent.iterdir()) == []
    get_pack(scene.desk("claire"), scene.sitting, out)
    ranges = [
        each.headers.get("Range") for each in scene.server.requests if "/payload" in each.target
    ]
    assert ranges[-1] == f"bytes={10_000 + 1_000 * MAX_RESUMES}-"
    assert partials(scene) == []


def test_what_lay_in_the_profile_is_not_believed(scene: Scene, tmp_path: Path) -> None:
    """A partial payload that something changed is fetched anew, and the pack is sound."""
    scene.server.cut = 50_000
    pause = scene.server.send

    def once_only(request: WireRequest) -> WireAnswer:
        if "/payload" in request.target and request.headers.get("Range") and partials(scene):
            raise TransportError("La connexion s'est interrompue.")
        return pause(request)

    scene.server.send = once_only  # type: ignore[method-assign]
    with pytest.raises(InterruptedDownloadError):
        get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    scene.server.send = pause  # type: ignore[method-assign]
    (kept,) = partials(scene)
    assert kept.stat().st_size == 50_000
    kept.write_bytes(bytes(50_000))
    done = get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    assert len(done.references) == 1
    assert partials(scene) == []


def test_a_lie_is_not_taken_up(scene: Scene, tmp_path: Path) -> None:
    """What a lying server sent is not kept for the next command, which gets the true payload."""
    scene.server.lies["payload"] = lambda data: bytes(len(data))
    with pytest.raises(NotTrustworthyError):
        get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    scene.server.lies.clear()
    get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    ranges = [
        each.headers.get("Range") for each in scene.server.requests if "/payload" in each.target
    ]
    assert ranges == [None, None]


def test_old_partials_go(scene: Scene, tmp_path: Path) -> None:
    """What nobody took up for two weeks is deleted by the next command, of any sitting."""
    folder = scene.folder / "people" / "claire" / "downloads"
    at = scene.server.world.now.timestamp()
    for name, age in (("old", PARTIAL_LIFETIME.total_seconds() + 60), ("young", 60.0)):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.partial").write_bytes(b"x")
        os.utime(folder / name, (at - age, at - age))
    get_pack(scene.desk("claire"), scene.sitting, tmp_path / "pack.tar")
    assert [each.name for each in folder.iterdir()] == ["young"]


def partials(scene: Scene) -> list[Path]:
    """Payloads on their way in the member's profile."""
    return sorted((scene.folder / "people" / "claire").glob("downloads/*/*.partial"))
