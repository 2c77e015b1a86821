"""A hostile server against a member's client: what is sent wrong is refused, and leaves nothing."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age.encrypt import encrypt_to
from crypto.edge.seal import header_for
from crypto.encoding import encode_base64
from crypto.errors import CryptoError
from crypto.keys import FileKey
from crypto.statements import parse
from crypto.statements.exchange import AccessRequest
from exchange.client.errors import NotTrustworthyError
from exchange.client.pack_get import get_pack
from exchange.client.pack_open import open_pack
from tests.support.client_world import SECRET, Scene
from tests.support.pack_attempts import in_release, refused


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
